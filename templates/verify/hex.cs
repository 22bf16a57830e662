// WebhookSignature.Verify(headers, body) says whether a call is genuine. Give it the
// body as bytes, as it came in, and the headers with their names in small letters.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

public static class WebhookSignature
{
    public static bool Verify(IDictionary<string, string> headers, byte[] body)
    {
        var secret = Environment.GetEnvironmentVariable("WEBHOOK_SECRET");
        using (var hmac = new HMAC{{ hash | upper }}(Encoding.UTF8.GetBytes(secret)))
        {
            var digest = BitConverter.ToString(hmac.ComputeHash(body));
            var expected = digest.Replace("-", "").ToLowerInvariant();
            // While keys change, the new one signs in the second header.
            var names = new[] { "{{ header | lower }}", "{{ header | lower }}-next" };
            return names.Where(headers.ContainsKey)
                .Any(name => Same(headers[name], expected));
        }
    }

    // In constant time, so that nobody learns from the time where they differ.
    static bool Same(string a, string b)
    {
        var difference = a.Length ^ b.Length;
        for (var i = 0; i < a.Length && i < b.Length; i++) difference |= a[i] ^ b[i];
        return difference == 0;
    }
}
