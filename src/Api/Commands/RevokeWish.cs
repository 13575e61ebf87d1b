using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Commands;

/// <summary>Whose access is to end, as the command line says it: the workspace that a person is of comes from the settings.</summary>
internal sealed record RevokeWish(GrantId? Id, string? Person, DatabaseName? Database)
{
    /// <summary>Null when a person is named and nobody says of which workspace.</summary>
    public RevokeTarget? Target(string team) => this switch
    {
        { Id: { } id } => new RevokeTarget.One(id),
        { Person: { } user } => PrincipalId.Parse(team, user) is { } person ? new RevokeTarget.Holder(person) : null,
        _ => new RevokeTarget.Everybody(Database),
    };
}
