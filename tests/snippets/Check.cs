// mono check.exe < cases: a line of yes or no for each case.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

static class Check
{
    static void Main()
    {
        string line;
        while ((line = Console.In.ReadLine()) != null)
        {
            var parts = line.Split('\t');
            var headers = parts.Skip(2).Select(each => each.Split(new[] { '=' }, 2))
                .ToDictionary(pair => pair[0].ToLowerInvariant(),
                    pair => Encoding.UTF8.GetString(Convert.FromBase64String(pair[1])));
            var verify = Type.GetType(parts[0] + ".WebhookSignature").GetMethod("Verify");
            var call = new object[] { headers, Convert.FromBase64String(parts[1]) };
            Console.WriteLine((bool)verify.Invoke(null, call) ? "yes" : "no");
        }
    }
}
