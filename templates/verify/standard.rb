# verify_webhook(headers, body) says whether a call is genuine. Give it the body as it
# came in (request.body.read), and the headers with their names in small letters.
require 'openssl'

def verify_webhook(headers, body)
  id = headers['webhook-id'].to_s
  timestamp = headers['webhook-timestamp'].to_s
  # Too old, or from the future: it may be a call sent again.
  return false unless timestamp.match?(/\A\d+\z/)
  return false if (Time.now.to_i - timestamp.to_i).abs > 300

  secret = ENV.fetch('WEBHOOK_SECRET').delete_prefix('whsec_').unpack1('m')
  signed = "#{id}.#{timestamp}.".b + body.b
  digest = OpenSSL::HMAC.digest('SHA256', secret, signed)
  expected = "v1,#{[digest].pack('m0')}"
  # While keys change there are several, with spaces between; one has to fit.
  headers['webhook-signature'].to_s.split.any? do |given|
    given.bytesize == expected.bytesize &&
      OpenSSL.fixed_length_secure_compare(given, expected)
  end
end
