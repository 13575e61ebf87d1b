namespace DbAccess.Architecture.Tests;

/// <summary>
/// What stands in a circle is only understood as a whole, and moves only as a whole. There is to be none, between rooms or inside of one.
/// </summary>
public sealed class CirclesTests
{
    private static readonly FileCircles Src = new(Sources());

    [Fact]
    public void Rooms_use_each_other_one_way_only()
    {
        var circles = Src.BetweenRooms();

        Assert.True(circles.Count == 0, Told(circles));
    }

    /// <summary>The files of a type in parts are one.</summary>
    [Fact]
    public void Files_of_a_room_use_each_other_one_way_only()
    {
        var circles = Src.InsideRooms();

        Assert.True(circles.Count == 0, Told(circles));
    }

    [Theory]
    [InlineData("class One { public const int Mark = 1; Two? _two; }", "class Two { int _mark = One.Mark; }", 2)]
    [InlineData("class One { public static int Grow(Two two) => 1; }", "class Two { int _grown = One.Grow(new()); }", 2)]
    [InlineData("class One { void Use() { var two = new Two(); two.Act(); } }", "static class Acts { public static void Act(this Two two) { } } class Two;", 0)]
    [InlineData("class One { } // Two", "class Two { One? _one; string _word = nameof(One); }", 0)]
    [InlineData("partial class One { Two? _two; }", "class Two; partial class One { Two? _other; }", 0)]
    public void A_circle_is_what_the_compiler_sees_of_one(string one, string two, int inside)
    {
        var together = new FileCircles(new Dictionary<string, string>(StringComparer.Ordinal) { ["Src/Room/One.cs"] = one, ["Src/Room/Two.cs"] = two });
        var apart = new FileCircles(new Dictionary<string, string>(StringComparer.Ordinal) { ["Src/Hall/One.cs"] = one, ["Src/Room/Two.cs"] = two });

        Assert.Equal(inside, together.InsideRooms().Sum(circle => circle.Count));
        Assert.Empty(together.BetweenRooms());
        Assert.Equal(inside, apart.BetweenRooms().Sum(circle => circle.Count));
        Assert.Empty(apart.InsideRooms());
    }

    private static string Told(IReadOnlyList<IReadOnlyList<string>> circles) =>
        $"{circles.Sum(circle => circle.Count)}: {string.Join("; ", circles.Select(circle => string.Join(" <-> ", circle)))}"
            + string.Concat(circles.SelectMany(circle => circle.SelectMany(one => circle.Where(other => other != one).SelectMany(other => Src.Between(one, other))))
                .Select(thread => $"{Environment.NewLine}  {thread}"));

    private static Dictionary<string, string> Sources()
    {
        var src = Path.Combine(RulesOfTheHouse.Root, "src");
        return RulesOfTheHouse.Sources().ToDictionary(
            file => Path.GetRelativePath(src, file).Replace('\\', '/'), File.ReadAllText, StringComparer.Ordinal);
    }
}
