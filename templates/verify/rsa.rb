# verify_webhook(headers, body) says whether a call is genuine. Give it the body as it
# came in (request.body.read), and the headers with their names in small letters.
require 'openssl'

WEBHOOK_KEY = OpenSSL::PKey::RSA.new(<<PEM)
{{ pem }}
PEM

def verify_webhook(headers, body)
  # While keys change, the new one signs in the second header.
  ['{{ header | lower }}', '{{ header | lower }}-next'].any? do |name|
    signature = headers[name].to_s.unpack1('m')
    WEBHOOK_KEY.verify('{{ hash | upper }}', signature, body)
  rescue OpenSSL::PKey::PKeyError
    false
  end
end
