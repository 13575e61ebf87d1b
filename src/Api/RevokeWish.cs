using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Api;

/// <summary>Whose access is to end, as the command line says it: the workspace that a person is of comes from the settings.</summary>
internal sealed record RevokeWish(GrantId? Id, string? Person, DatabaseName? Database)
{
    private const string Usage = "revoke wants a grant's id, or --person U…, --database D or --all, and --reason with why.";

    public static Verb Read(string[] how, string help)
    {
        string? why = null;
        RevokeWish? wish = null;
        for (var i = 0; i < how.Length; i++)
        {
            var value = i + 1 < how.Length ? how[i + 1] : null;
            RevokeWish? said = null;
            switch (how[i])
            {
                case "--reason" when value is not null && why is null:
                    (why, i) = (value.Trim(), i + 1);
                    continue;
                case "--all":
                    said = new RevokeWish(null, null, null);
                    break;
                case "--person" when value is not null && PrincipalId.Parse("T000", value) is not null:
                    (said, i) = (new RevokeWish(null, value, null), i + 1);
                    break;
                case "--database" when DatabaseName.Parse(value) is { } database:
                    (said, i) = (new RevokeWish(null, null, database), i + 1);
                    break;
                case var word when GrantId.Parse(word) is { } id:
                    said = new RevokeWish(id, null, null);
                    break;
            }

            // One target, and none that cannot be read: what was not understood must not be left out of a command that ends access.
            if (said is null || wish is not null)
                return new Verb.Say($"{Usage} I cannot read '{how[i]}' here.\n\n{help}", CommandLine.Misuse);
            wish = said;
        }

        return wish is null || string.IsNullOrEmpty(why)
            ? new Verb.Say($"{Usage}\n\n{help}", CommandLine.Misuse) : new Verb.Revoke(wish, why);
    }

    /// <summary>Null when a person is named and nobody says of which workspace.</summary>
    public RevokeTarget? Target(string team) => this switch
    {
        { Id: { } id } => new RevokeTarget.One(id),
        { Person: { } user } => PrincipalId.Parse(team, user) is { } person ? new RevokeTarget.Holder(person) : null,
        _ => new RevokeTarget.Everybody(Database),
    };
}
