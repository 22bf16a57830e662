# verify_webhook(headers, body) says whether a call is genuine. Give it the body as it
# came in (request.body.read), and the headers with their names in small letters.
require 'openssl'

def verify_webhook(headers, body)
  expected = OpenSSL::HMAC.hexdigest('{{ hash | upper }}', ENV.fetch('WEBHOOK_SECRET'), body)
  # While keys change, the new one signs in the second header.
  ['{{ header | lower }}', '{{ header | lower }}-next'].any? do |name|
    given = headers[name].to_s
    given.bytesize == expected.bytesize &&
      OpenSSL.fixed_length_secure_compare(given, expected)
  end
end
