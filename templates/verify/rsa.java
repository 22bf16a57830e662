// WebhookSignature.verify(headers, body) says whether a call is genuine. Give it the
// body as bytes, as it came in, and the headers with their names in small letters.
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.Map;

final class WebhookSignature {
    static final String KEY = """
{{ base64 }}
""";

    static boolean verify(Map<String, String> headers, byte[] body)
            throws GeneralSecurityException {
        byte[] der = Base64.getMimeDecoder().decode(KEY);
        PublicKey key = KeyFactory.getInstance("RSA")
                .generatePublic(new X509EncodedKeySpec(der));
        Signature verifier = Signature.getInstance("{{ hash | upper }}withRSA");
        // While keys change, the new one signs in the second header.
        for (String name : List.of("{{ header | lower }}", "{{ header | lower }}-next")) {
            try {
                verifier.initVerify(key);
                verifier.update(body);
                String given = headers.getOrDefault(name, "");
                if (verifier.verify(Base64.getDecoder().decode(given))) return true;
            } catch (IllegalArgumentException | SignatureException notReadable) {
                continue;
            }
        }
        return false;
    }
}
