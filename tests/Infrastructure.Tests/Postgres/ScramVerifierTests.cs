using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Making;

namespace DbAccess.Infrastructure.Tests.Postgres;

public sealed class ScramVerifierTests
{
    [Fact]
    public void It_is_what_RFC_7677_says()
    {
        // The exchange of RFC 7677, section 3: user "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, i=4096.
        var verifier = ScramVerifier.For(new Secret("pencil"), Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ=="));

        Assert.Equal("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", verifier);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256$4096:bad")]
    [InlineData("md5d41d8cd98f00b204e9800998ecf8427e")]
    [InlineData("SCRAM-SHA-256$1:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")]
    [InlineData("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n")]
    [InlineData("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:'; DROP ROLE x; --wfPLwcE6nTWhTAmQ7tl2KeoiWGP=")]
    public void What_the_server_would_take_for_a_password_in_clear_is_malformed(string text) => Assert.False(ScramVerifier.IsWellFormed(text));

    [Fact]
    public void A_password_that_is_not_ASCII_is_refused() => Assert.Throws<ArgumentException>(() => ScramVerifier.For(new Secret("pässword")));
}
