using System.Globalization;

namespace DbAccess.Application.Evidence;

/// <summary>
/// What is wrong with a log, in the words of <c>docs/audit-format.md</c>. Programs compare them with those of other verifiers: nobody else
/// writes any.
/// </summary>
internal static class FaultWords
{
    public const string NoCheckpoint = "there is no checkpoint";
    public const string NoDescription = "pack.json does not describe this pack";

    public static string TooLong(string file, long line) => Text($"{file} line {line} is longer than 1 MiB");

    public static string CutOff(string file, long line) => Text($"{file} line {line} is cut off");

    public static string NotAnEvent(string file, long line) => Text($"{file} line {line} is not an event");

    public static string Twice(string file, long line, string name) => Text($"{file} line {line} has \"{name}\" twice");

    public static string NotCanonical(string file, long line) => Text($"{file} line {line} is not canonical");

    public static string Missing(long expected, long found) => Text($"event {expected} is missing: event {found} stands in its place");

    public static string OutOfOrder(long expected, long found) =>
        Text($"event {found} stands where event {expected} belongs: it is there twice, or out of order");

    public static string Changed(long place) => Text($"event {place} was changed: it does not have the hash beside it");

    public static string NotAsRecorded(long place, string name) =>
        Text($"event {place} was changed: what is shown as {name} is not what was recorded");

    public static string Number(long place, string grant, long last, long number) =>
        Text($"event {place}: grant {grant} goes from its event {last} to {number}");

    public static string NotACheckpoint(string file) => $"{file} is not a checkpoint";

    public static string OtherLog(long size, string origin) => Text($"the checkpoint of size {size} is of another log: {origin}");

    public static string NoKey(long size) => Text($"the checkpoint of size {size} is signed by no key that you hold");

    public static string BadSignature(long size) => Text($"the checkpoint of size {size} has a bad signature");

    public static string OtherRoot(long from, long size) =>
        Text($"events {from} to {size - 1}: they do not give the root that the checkpoint of size {size} signed");

    public static string EndsEarly(long events, long size) =>
        Text($"event {events} is missing: the log ends here, and the checkpoint of size {size} covers it");

    public static string NotCovered(long place) => Text($"event {place} stands after the newest checkpoint: nothing vouches for it");

    public static string KeptIsNewer(long size, long events) =>
        Text($"the checkpoint of size {size} that you kept is newer than this log: it ends at {events}");

    public static string KeptDiffers(long size) =>
        Text($"the checkpoint of size {size} that you kept does not fit: the first {size} events here are others");

    public static string NotInTree(long place) => Text($"event {place} is not in the tree that the checkpoint signed");

    public static string NotOfThisPack(long place, string grant) =>
        Text($"event {place} is about grant {grant}, which this pack is not about");

    public static string NumberMissing(string grant, long number) => Text($"grant {grant}: its event {number} is missing");

    public static string EndMissing(string grant) => $"grant {grant}: its end is missing";

    private static string Text(FormattableString words) => words.ToString(CultureInfo.InvariantCulture);
}
