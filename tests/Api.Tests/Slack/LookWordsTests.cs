using DbAccess.Api.Slack.Words;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Tests.Slack;

/// <summary>The verbs that look at something, or ask for it once more.</summary>
public sealed class LookWordsTests
{
    [Theory]
    [InlineData("why orders read", "orders read")]
    [InlineData("WHY orders read 2h?", "orders read 2h")]
    public void Why_takes_a_request(string typed, string rest) => Assert.Equal(rest, Assert.IsType<Intent.Explain>(Read(typed)).Rest);

    [Theory]
    [InlineData("show K7Q3-MD")]
    [InlineData("show `k7q3md`")]
    public void Show_takes_an_id(string typed) => Assert.Equal("K7Q3-MD", Assert.IsType<Intent.Story>(Read(typed)).Id.ToString());

    [Theory]
    [InlineData("history", null, null, "30d")]
    [InlineData("history 7d", null, null, "7d")]
    [InlineData("history last 7 days", null, null, "7d")]
    [InlineData("history orders", null, "orders", "30d")]
    [InlineData("history on Orders 12h", null, "orders", "12h")]
    [InlineData("history <@U0ENGINE3|omar> 2d", "U0ENGINE3", null, "2d")]
    [InlineData("history of <@U0ENGINE3> on orders", "U0ENGINE3", "orders", "30d")]
    public void History_takes_a_person_a_database_and_a_time(string typed, string? person, string? database, string within)
    {
        var history = Assert.IsType<Intent.History>(Read(typed));

        Assert.Equal((person, database, within), (history.Person?.User, history.Database?.Value, Durations.Write(history.Within)));
    }

    [Theory]
    [InlineData("again", null, null, false)]
    [InlineData("again K7Q3-MD", "K7Q3-MD", null, false)]
    [InlineData("again because INC-2 once more", null, "INC-2 once more", true)]
    [InlineData("again K7Q3-MD because: INC-2", "K7Q3-MD", "INC-2", true)]
    [InlineData("again K7Q3-MD INC-2 is back", "K7Q3-MD", "INC-2 is back", false)]
    [InlineData("again because", null, null, false)]
    public void Again_takes_an_id_and_a_reason(string typed, string? id, string? reason, bool atOnce)
    {
        var again = Assert.IsType<Intent.Again>(Read(typed));

        Assert.Equal((id, reason, atOnce), (again.Id?.ToString(), again.Reason, again.AtOnce));
    }

    [Theory]
    [InlineData("why")]
    [InlineData("show")]
    [InlineData("show orders")]
    [InlineData("history warehouse")]
    [InlineData("history 1w")]
    [InlineData("history 1d 2d")]
    [InlineData("again K7Q3-M0")]
    public void What_is_missing_or_wrong_is_said(string typed) => Assert.IsType<Intent.Misread>(Read(typed));

    private static Intent? Read(string typed) => VerbWords.Read(typed, SomeOffers.Usual.Names, "T0DBACME1");
}
