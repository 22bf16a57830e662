# verify_webhook(headers, body) says whether a call is genuine. Give it the body as it
# came in (request.body.read), and the headers with their names in small letters.
# It needs Ruby 3.0 or newer.
require 'openssl'

WEBHOOK_KEY = OpenSSL::PKey.read(<<PEM)
{{ pem }}
PEM

def verify_webhook(headers, body)
  id = headers['webhook-id'].to_s
  timestamp = headers['webhook-timestamp'].to_s
  # Too old, or from the future: it may be a call sent again.
  return false unless timestamp.match?(/\A\d+\z/)
  return false if (Time.now.to_i - timestamp.to_i).abs > 300

  signed = "#{id}.#{timestamp}.".b + body.b
  # While keys change there are several, with spaces between; one has to fit.
  headers['webhook-signature'].to_s.split.any? do |each|
    version, signature = each.split(',', 2)
    version == 'v1a' && WEBHOOK_KEY.verify(nil, signature.to_s.unpack1('m'), signed)
  rescue OpenSSL::PKey::PKeyError
    false
  end
end
