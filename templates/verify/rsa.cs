// WebhookSignature.Verify(headers, body) says whether a call is genuine. Give it the
// body as bytes, as it came in, and the headers with their names in small letters.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;

public static class WebhookSignature
{
    const string Key = "{{ xml }}";

    public static bool Verify(IDictionary<string, string> headers, byte[] body)
    {
        // While keys change, the new one signs in the second header.
        var names = new[] { "{{ header | lower }}", "{{ header | lower }}-next" };
        return names.Where(headers.ContainsKey).Any(name => Fits(headers[name], body));
    }

    static bool Fits(string signature, byte[] body)
    {
        using (var rsa = new RSACryptoServiceProvider())
        {
            rsa.FromXmlString(Key);
            try
            {
                return rsa.VerifyData(body, "{{ hash | upper }}", Convert.FromBase64String(signature));
            }
            catch (FormatException)
            {
                return false;
            }
        }
    }
}
