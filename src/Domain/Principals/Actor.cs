namespace DbAccess.Domain.Principals;

/// <summary>Who made something happen.</summary>
public abstract record Actor
{
    private Actor()
    {
    }

    /// <summary>A person, through Slack.</summary>
    public sealed record Person(PrincipalId Id) : Actor
    {
        public override string ToString() => Id.ToString();
    }

    /// <summary>A policy rule that decides without a person.</summary>
    public sealed record Rule(string Name) : Actor
    {
        public override string ToString() => $"rule:{Name}";
    }

    /// <summary>Whoever has a shell where the product runs, by the name of their account there.</summary>
    public sealed record Operator(string Account) : Actor
    {
        public override string ToString() => $"operator:{Account}";
    }

    /// <summary>The product itself: the sweep, a timer, a worker that takes the next step.</summary>
    public sealed record Sweep : Actor
    {
        public override string ToString() => "sweep";
    }

    /// <summary>Reads back what <see cref="object.ToString"/> wrote; null when it is not an actor.</summary>
    public static Actor? Parse(string text) => text switch
    {
        "sweep" => new Sweep(),
        _ when text.StartsWith("operator:", StringComparison.Ordinal) => new Operator(text[9..]),
        _ when text.StartsWith("rule:", StringComparison.Ordinal) => new Rule(text[5..]),
        _ when text.Split('/') is [var team, var user] && PrincipalId.Parse(team, user) is { } id => new Person(id),
        _ => null,
    };
}
