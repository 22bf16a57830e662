// WebhookSignature.verify(headers, body) says whether a call is genuine. Give it the
// body as bytes, as it came in, and the headers with their names in small letters.
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

final class WebhookSignature {
    static boolean verify(Map<String, String> headers, byte[] body)
            throws GeneralSecurityException {
        String id = headers.getOrDefault("webhook-id", "");
        String timestamp = headers.getOrDefault("webhook-timestamp", "");
        if (!timestamp.matches("[0-9]{1,12}")) return false;
        long age = Instant.now().getEpochSecond() - Long.parseLong(timestamp);
        // Too old, or from the future: it may be a call sent again.
        if (Math.abs(age) > 300) return false;

        String secret = System.getenv("WEBHOOK_SECRET").substring("whsec_".length());
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret), "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
        String digest = Base64.getEncoder().encodeToString(mac.doFinal(body));
        byte[] expected = ("v1," + digest).getBytes(StandardCharsets.UTF_8);
        // While keys change there are several, with spaces between; one has to fit.
        for (String each : headers.getOrDefault("webhook-signature", "").split(" ")) {
            byte[] given = each.getBytes(StandardCharsets.UTF_8);
            if (MessageDigest.isEqual(expected, given)) return true;
        }
        return false;
    }
}
