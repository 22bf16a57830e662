// WebhookSignature.verify(headers, body) says whether a call is genuine. Give it the
// body as bytes, as it came in, and the headers with their names in small letters.
// It needs Java 15 or newer.
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;

final class WebhookSignature {
    static final String KEY = "{{ base64 }}";

    static boolean verify(Map<String, String> headers, byte[] body)
            throws GeneralSecurityException {
        String id = headers.getOrDefault("webhook-id", "");
        String timestamp = headers.getOrDefault("webhook-timestamp", "");
        if (!timestamp.matches("[0-9]{1,12}")) return false;
        long age = Instant.now().getEpochSecond() - Long.parseLong(timestamp);
        // Too old, or from the future: it may be a call sent again.
        if (Math.abs(age) > 300) return false;

        byte[] der = Base64.getDecoder().decode(KEY);
        PublicKey key = KeyFactory.getInstance("Ed25519")
                .generatePublic(new X509EncodedKeySpec(der));
        Signature verifier = Signature.getInstance("Ed25519");
        // While keys change there are several, with spaces between; one has to fit.
        for (String each : headers.getOrDefault("webhook-signature", "").split(" ")) {
            if (!each.startsWith("v1a,")) continue;
            try {
                verifier.initVerify(key);
                verifier.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
                verifier.update(body);
                if (verifier.verify(Base64.getDecoder().decode(each.substring(4)))) return true;
            } catch (IllegalArgumentException | SignatureException notReadable) {
                continue;
            }
        }
        return false;
    }
}
