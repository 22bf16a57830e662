// java Check < cases: a line of yes or no for each case.
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Scanner;

public final class Check {
    public static void main(String[] none) throws Exception {
        Scanner lines = new Scanner(System.in, StandardCharsets.UTF_8);
        while (lines.hasNextLine()) {
            String[] parts = lines.nextLine().split("\t");
            Map<String, String> headers = new HashMap<>();
            for (int i = 2; i < parts.length; i++) {
                String[] pair = parts[i].split("=", 2);
                String value = new String(Base64.getDecoder().decode(pair[1]));
                headers.put(pair[0].toLowerCase(), value);
            }
            Class<?> sample = Class.forName(parts[0] + ".WebhookSignature");
            Method verify = sample.getDeclaredMethod("verify", Map.class, byte[].class);
            verify.setAccessible(true);
            Object good = verify.invoke(null, headers, Base64.getDecoder().decode(parts[1]));
            System.out.println((Boolean) good ? "yes" : "no");
        }
    }
}
