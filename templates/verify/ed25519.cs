// WebhookSignature.Verify(headers, body) says whether a call is genuine. Give it the
// body as bytes, as it came in, and the headers with their names in small letters.
// It needs System.Numerics, which comes with .NET; no package.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

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
        // While keys change there are several, with spaces between; one has to fit. Each
        // takes milliseconds, so that a stranger must not send any number of them.
        return signatures.Split(' ').Take(5).Any(each => Fits(each, signed.ToArray()));
    }

    static bool Fits(string signature, byte[] signed)
    {
        if (!signature.StartsWith("v1a,")) return false;
        try
        {
            var given = Convert.FromBase64String(signature.Substring(4));
            return Ed25519.Verify(Convert.FromBase64String(Key), signed, given);
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

// RFC 8032, section 5.1.7. It works with public values alone, so that nobody learns
// anything from how long it takes. A point is X, Y, Z and T, as in section 5.1.4.
public static class Ed25519
{
    static readonly BigInteger P = BigInteger.Pow(2, 255) - 19;
    static readonly BigInteger L = BigInteger.Pow(2, 252)
        + BigInteger.Parse("27742317777372353535851937790883648493");
    static readonly BigInteger D = Mod(-121665 * Inverse(121666));
    static readonly BigInteger RootOfMinus1 = BigInteger.ModPow(2, (P - 1) / 4, P);
    static readonly BigInteger[] Base = Point(Mod(4 * Inverse(5)), false);

    public static bool Verify(byte[] key, byte[] message, byte[] signature)
    {
        if (key.Length != 32 || signature.Length != 64) return false;
        var r = signature.Take(32).ToArray();
        var s = Number(signature.Skip(32));
        var a = Decode(key);
        if (a == null || s >= L) return false;
        using (var sha = SHA512.Create())
        {
            var k = Number(sha.ComputeHash(r.Concat(key).Concat(message).ToArray())) % L;
            // R = sB - kA; bytes that are no point at all are never equal to it.
            var minusA = new[] { -a[0], a[1], a[2], -a[3] };
            return Encode(Add(Times(s, Base), Times(k, minusA))).SequenceEqual(r);
        }
    }

    static BigInteger[] Times(BigInteger count, BigInteger[] point)
    {
        var sum = new BigInteger[] { 0, 1, 1, 0 };
        for (; count > 0; count >>= 1, point = Add(point, point))
            if (!count.IsEven) sum = Add(sum, point);
        return sum;
    }

    static BigInteger[] Add(BigInteger[] p, BigInteger[] q)
    {
        var a = (p[1] - p[0]) * (q[1] - q[0]) % P;
        var b = (p[1] + p[0]) * (q[1] + q[0]) % P;
        var c = 2 * p[3] * q[3] * D % P;
        var d = 2 * p[2] * q[2] % P;
        BigInteger e = b - a, f = d - c, g = d + c, h = b + a;
        return new[] { e * f % P, g * h % P, f * g % P, e * h % P };
    }

    // Null for bytes that stand for no point.
    static BigInteger[] Decode(byte[] bytes)
    {
        var isOdd = bytes[31] >= 128;
        var y = Number(bytes) - (isOdd ? BigInteger.Pow(2, 255) : 0);
        return y < P ? Point(y, isOdd) : null;
    }

    static BigInteger[] Point(BigInteger y, bool isOdd)
    {
        var square = Mod((y * y - 1) * Inverse(D * y * y + 1));
        var x = BigInteger.ModPow(square, (P + 3) / 8, P);
        if (Mod(x * x) != square) x = Mod(x * RootOfMinus1);
        if (Mod(x * x) != square || x.IsZero && isOdd) return null;
        if (x.IsEven == isOdd) x = P - x;
        return new[] { x, y, 1, Mod(x * y) };
    }

    static byte[] Encode(BigInteger[] point)
    {
        var z = Inverse(point[2]);
        BigInteger x = Mod(point[0] * z), y = Mod(point[1] * z);
        var bytes = new byte[32];
        y.ToByteArray().CopyTo(bytes, 0);
        if (!x.IsEven) bytes[31] |= 128;
        return bytes;
    }

    static BigInteger Number(IEnumerable<byte> bytes)
    {
        return new BigInteger(bytes.Concat(new byte[] { 0 }).ToArray());
    }

    static BigInteger Inverse(BigInteger number)
    {
        return BigInteger.ModPow(Mod(number), P - 2, P);
    }

    static BigInteger Mod(BigInteger number)
    {
        return (number % P + P) % P;
    }
}
