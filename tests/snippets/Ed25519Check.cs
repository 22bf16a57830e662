// mono check.exe < cases: a line of yes or no for each key, message and signature.
using System;

static class Check
{
    static void Main()
    {
        string line;
        while ((line = Console.In.ReadLine()) != null)
        {
            var parts = Array.ConvertAll(line.Split('\t'), Convert.FromBase64String);
            var good = Ed25519.Verify(parts[0], parts[1], parts[2]);
            Console.WriteLine(good ? "yes" : "no");
        }
    }
}
