# ruby check.rb SNIPPETS < cases: a line of yes or no for each case.
samples = Hash.new do |known, name|
  sample = Module.new
  sample.module_eval(File.read("#{ARGV[0]}/#{name}.rb"))
  known[name] = Object.new.extend(sample)
end

$stdin.each_line(chomp: true) do |line|
  sample, body, *rest = line.split("\t")
  headers = rest.to_h do |header|
    name, value = header.split('=', 2)
    [name.downcase, value.unpack1('m')]
  end
  good = samples[sample].verify_webhook(headers, body.unpack1('m'))
  puts good ? 'yes' : 'no'
end
