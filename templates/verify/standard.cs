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
        string id, timestamp, signatures;
        if (!headers.TryGetValue("webhook-id", out id)
            || !headers.TryGetValue("webhook-timestamp", out timestamp)
            || !headers.TryGetValue("webhook-signature", out signatures)) return false;
        long at;
        if (!long.TryParse(timestamp, out at)) return false;
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        // Too old, or from the future: it may be a call sent again.
        if (at < now - 300 || at > now + 300) return false;

        var secret = Environment.GetEnvironmentVariable("WEBHOOK_SECRET");
        var key = Convert.FromBase64String(secret.Substring("whsec_".Length));
        var signed = Encoding.UTF8.GetBytes(id + "." + timestamp + ".").Concat(body);
        using (var hmac = new HMACSHA256(key))
        {
            var digest = hmac.ComputeHash(signed.ToArray());
            var expected = "v1," + Convert.ToBase64String(digest);
            // While keys change there are several, with spaces between; one has to fit.
            return signatures.Split(' ').Any(given => Same(given, expected));
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
