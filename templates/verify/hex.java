// WebhookSignature.verify(headers, body) says whether a call is genuine. Give it the
// body as bytes, as it came in, and the headers with their names in small letters.
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

final class WebhookSignature {
    static boolean verify(Map<String, String> headers, byte[] body)
            throws GeneralSecurityException {
        byte[] secret = System.getenv("WEBHOOK_SECRET").getBytes(StandardCharsets.UTF_8);
        Mac mac = Mac.getInstance("Hmac{{ hash | upper }}");
        mac.init(new SecretKeySpec(secret, "Hmac{{ hash | upper }}"));
        byte[] expected = HexFormat.of().formatHex(mac.doFinal(body)).getBytes();
        // While keys change, the new one signs in the second header.
        for (String name : List.of("{{ header | lower }}", "{{ header | lower }}-next")) {
            byte[] given = headers.getOrDefault(name, "").getBytes(StandardCharsets.UTF_8);
            if (MessageDigest.isEqual(expected, given)) return true;
        }
        return false;
    }
}
