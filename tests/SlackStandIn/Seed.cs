using System.Text.Json;
using System.Text.Json.Serialization;

namespace DbAccess.SlackStandIn;

/// <summary>Who and what is in the workspace at the start. Read from JSON in snake case; an unknown field is a fault, not a wish ignored.</summary>
internal sealed record Seed(SeedTeam Team, SeedApp App, SeedUser[] Users)
{
    private static readonly JsonSerializerOptions Reading = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    public SeedTeam[] OtherTeams { get; init; } = [];
    public SeedUsergroup[] Usergroups { get; init; } = [];
    public SeedChannel[] Channels { get; init; } = [];

    public static Seed Default { get; } = Parse(Resources.Text("Seed.json"));

    /// <summary>Throws <see cref="FormatException"/> with a sentence for the person who wrote the seed.</summary>
    public static Seed Parse(string json)
    {
        Seed seed;
        try
        {
            seed = JsonSerializer.Deserialize<Seed>(json, Reading) ?? throw new FormatException("The seed is null.");
        }
        catch (JsonException fault)
        {
            throw new FormatException("The seed cannot be read: " + fault.Message, fault);
        }

        var ids = seed.Users.Select(user => user.Id)
            .Concat(seed.Channels.Select(channel => channel.Id))
            .Concat(seed.Usergroups.Select(group => group.Id))
            .Append(seed.App.BotUserId)
            .ToArray();
        if (ids.GroupBy(id => id, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new FormatException($"The seed has the id '{twice.Key}' twice.");

        var known = seed.Users.Select(user => user.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var id in seed.Channels.SelectMany(channel => channel.Members).Concat(seed.Usergroups.SelectMany(group => group.Users)))
        {
            if (!known.Contains(id)) throw new FormatException($"The seed names '{id}' as a member, but has no such user.");
        }
        return seed;
    }
}

internal sealed record SeedTeam(string Id, string Name, string Domain);

internal sealed record SeedApp(string Id, string Name, string BotUserId, string BotId, string BotName);

internal sealed record SeedUser(string Id, string Name)
{
    public string? TeamId { get; init; }
    public string? RealName { get; init; }
    public string? DisplayName { get; init; }
    public string? Email { get; init; }
    public string Tz { get; init; } = "Europe/Berlin";
    public bool Deleted { get; init; }
    public bool IsAdmin { get; init; }
    public bool IsRestricted { get; init; }
    public bool IsUltraRestricted { get; init; }
    public bool IsStranger { get; init; }
    public bool IsBot { get; init; }
    public bool IsEmailConfirmed { get; init; } = true;
}

internal sealed record SeedUsergroup(string Id, string Handle, string[] Users)
{
    public bool IsDisabled { get; init; }
}

internal sealed record SeedChannel(string Id, string Name)
{
    public bool IsPrivate { get; init; }
    public bool IsArchived { get; init; }
    public bool IsExtShared { get; init; }
    /// <summary>Whether the app's bot was invited; without it the app may not post here.</summary>
    public bool AppIsMember { get; init; } = true;
    public string[] Members { get; init; } = [];
}
