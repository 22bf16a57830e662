// WebhookSignature.Verify(headers, body) says whether a call is genuine. Give it the
// body as bytes, as it came in, and the headers with their names in small letters.
// .NET itself has no Ed25519: dotnet add package BouncyCastle.Cryptography
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

public static class WebhookSignature
{
    const string Key = "{{ raw }}";

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

        var signed = Encoding.UTF8.GetBytes(id + "." + timestamp + ".").Concat(body);
        // While keys change there are several, with spaces between; one has to fit.
        return signatures.Split(' ').Any(each => Fits(each, signed.ToArray()));
    }

    static bool Fits(string signature, byte[] signed)
    {
        if (!signature.StartsWith("v1a,")) return false;
        var verifier = new Ed25519Signer();
        verifier.Init(false, new Ed25519PublicKeyParameters(Convert.FromBase64String(Key)));
        verifier.BlockUpdate(signed, 0, signed.Length);
        try
        {
            return verifier.VerifySignature(Convert.FromBase64String(signature.Substring(4)));
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
