using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Presets;

/// <summary>What a person keeps, in a mark of theirs in the store.</summary>
internal sealed class PresetShelf(IEvidenceLog marks)
{
    public const int Most = 10;
    private const int Tries = 5;

    public static readonly Error Gone = new(
        "preset.gone", "That preset is gone, or is another one by now. The app's Home tab shows those that you have.");

    public async Task<IReadOnlyList<Preset>> ListAsync(PrincipalId person, CancellationToken cancellationToken) =>
        Preset.Read(await marks.ReadMarkAsync(MarkOf(person), cancellationToken));

    /// <summary>Changes what is there now, and tries again when somebody else changed it in between.</summary>
    public async Task<Result> ChangeAsync(
        PrincipalId person, Func<IReadOnlyList<Preset>, Result<IReadOnlyList<Preset>>> change, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var read = await marks.ReadMarkAsync(MarkOf(person), cancellationToken);
            var changed = change(Preset.Read(read));
            if (changed.Refusal is { } refusal) return refusal;
            if (await marks.TryWriteMarkAsync(MarkOf(person), read, Preset.Write(changed.Value), cancellationToken)) return Result.Done;
        }

        return new Error("preset.busy", "Your presets are being changed by something else at this moment. Try again.");
    }

    private static string MarkOf(PrincipalId person) => $"presets:{person.Team}:{person.User}";
}
