using System.Globalization;
using DbAccess.Application.Evidence.Pages;
using DbAccess.TestKit.Evidence;
using Microsoft.Playwright;

namespace DbAccess.EndToEnd.Tests;

/// <summary>The pages about the evidence log as somebody opens them: from a file, on a desk, on a phone and on paper.</summary>
public sealed class EvidencePageTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private const int Desk = 1280, Phone = 390;

    /// <summary>A4 at 96 points to the inch.</summary>
    private const int Paper = 794;

    private readonly string _folder = Directory.CreateTempSubdirectory("dba-pages-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public Task The_page_of_a_pack_is_readable_on_a_desk_on_a_phone_and_on_paper() => ReadableAsync("audit-pack", Pack());

    [Fact]
    public Task The_page_of_a_report_is_readable_on_a_desk_on_a_phone_and_on_paper() => ReadableAsync("audit-report", Report(180));

    [Fact]
    public Task The_page_of_a_report_about_nothing_is_readable_too() => ReadableAsync("audit-report-empty", Report(0));

    [Fact]
    public Task The_page_of_a_pack_with_several_grants_is_readable_too()
    {
        var log = new SomeLog(first: 900).Grant(new GrantPlot { Overrun = TimeSpan.FromSeconds(3), Ends = "Revoked", EndedBy = "U0DANA001", EndNote = "she left the team" })
            .Grant(new GrantPlot { Id = "AAAA-CD", Who = ("U0SAM0001", "sam"), Stages = ["1 of dba"], No = ("U0DANA001", "read is enough for that") })
            .Grant(new GrantPlot { Id = "AAAA-CE", BreakGlass = true, Rule = "emergency" }, withhold: true)
            .Grant(new GrantPlot { Id = "AAAA-CF", Who = ("U0SAM0001", "sam"), IsOver = false });
        return ReadableAsync("audit-pack-several", Page(writer => PackPage.Write(writer, log.Pack("K7Q3-MD", "AAAA-CD", "AAAA-CE", "AAAA-CF"))));
    }

    [Fact]
    public async Task What_people_wrote_runs_nothing_and_stretches_nothing()
    {
        var log = new SomeLog().Grant(new GrantPlot
        {
            Who = ("U0EVIL001", "<b onmouseover=alert(1)>evil"), Reason = $"<script>document.title='run'</script><img src=x onerror=alert(1)> \u202Egnp {new string('w', 400)}",
            Database = "\"><svg onload=alert(1)>", Ran = [$"1 1 SELECT '{new string('x', 480)}' FROM \"</code><script>\""],
        });

        await ReadableAsync("audit-pack-hostile", Page(writer => PackPage.Write(writer, log.Pack("K7Q3-MD"))), inspect: async page =>
        {
            Assert.StartsWith("K7Q3-MD", await page.TitleAsync(), StringComparison.Ordinal);
            Assert.Equal(0, await page.Locator("script, img, [onload], [onerror], [onmouseover]").CountAsync());
            Assert.Contains("⟨U+202E⟩gnp", await page.Locator("main").InnerTextAsync(), StringComparison.Ordinal);
        });
    }

    private static string Pack()
    {
        var log = new SomeLog(first: 20_841).Grant(new GrantPlot
        {
            Yes = ["U0DANA001", "U0ALI0001", "U0MEI0001"], Stages = ["1 of dba", "2 of security"], Thinks = TimeSpan.FromSeconds(95),
            Length = TimeSpan.FromMinutes(30),
        });
        return Page(writer => PackPage.Write(writer, log.Pack("K7Q3-MD") with
        {
            Called = new Dictionary<string, string>
            {
                [SomeLog.Person("U0DANA001")] = "dana", [SomeLog.Person("U0ALI0001")] = "ali", [SomeLog.Person("U0MEI0001")] = "mei",
            },
        }));
    }

    private static string Report(int grants)
    {
        var report = new AuditReport("dbaccess/prod", new ReportPeriod(SomeMonth.From, SomeMonth.Until));
        report.Call(SomeLog.Person("U0SEC0001"), "ali");
        foreach (var one in SomeMonth.Of(grants).Events) report.Add(one);
        return Page(ReportFile.Of(report).Single(file => file.Name == "report.html").Write);
    }

    private static string Page(Action<TextWriter> write)
    {
        using var writer = new StringWriter(CultureInfo.InvariantCulture);
        write(writer);
        return writer.ToString();
    }

    private async Task ReadableAsync(string name, string html, Func<IPage, Task>? inspect = null)
    {
        var file = Path.Combine(_folder, $"{name}.html");
        await File.WriteAllTextAsync(file, html, TestContext.Current.CancellationToken);
        var page = await chromium.NewAsync(Desk);
        await page.SetViewportSizeAsync(Desk, 1100);
        List<string> wrong = [];
        page.Console += (_, message) => wrong.Add(message.Text);
        page.PageError += (_, fault) => wrong.Add(fault);
        page.Request += (_, request) => { if (!request.Url.StartsWith("file:", StringComparison.Ordinal)) wrong.Add(request.Url); };
        await page.GotoAsync(new Uri(file).ToString());

        Assert.Empty(await page.EvaluateAsync<string[]>(Faults));
        await PictureAsync(page, name);
        if (inspect is not null) await inspect(page);

        await page.SetViewportSizeAsync(Phone, 844);
        Assert.Empty(await page.EvaluateAsync<string[]>(Sideways));
        await PictureAsync(page, $"{name}-phone");

        await page.EmulateMediaAsync(new() { Media = Media.Print });
        await page.SetViewportSizeAsync(Paper, 1123);
        Assert.Empty(await page.EvaluateAsync<string[]>(Faults));
        Assert.Empty(await page.EvaluateAsync<string[]>(Sideways));
        var printed = await page.PdfAsync(new() { PreferCSSPageSize = true, PrintBackground = true });
        Assert.Equal("%PDF"u8.ToArray(), printed[..4]);
        if (Pictures.Folder is { } folder) await File.WriteAllBytesAsync(Path.Combine(folder, $"{name}.pdf"), printed, TestContext.Current.CancellationToken);
        Assert.Empty(wrong);
        await page.CloseAsync();
    }

    private static async Task PictureAsync(IPage page, string name)
    {
        if (Pictures.Folder is not { } folder) return;

        await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png") });
        await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-whole.png"), FullPage = true });
    }

    /// <summary>What a reader with a screen reader, or with weak eyes, would stumble over.</summary>
    private const string Faults = """
        () => {
          const wrong = [];
          if (!document.documentElement.lang) wrong.push("no language");
          if (!document.title.trim()) wrong.push("no title");
          if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
          let level = 0;
          for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
            const at = Number(heading.tagName[1]);
            if (at > level + 1) wrong.push(`${heading.tagName} after H${level}: ${heading.textContent}`);
            if (!heading.textContent.trim()) wrong.push(`empty ${heading.tagName}`);
            level = at;
          }
          if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
          for (const head of document.querySelectorAll("th")) if (!head.scope) wrong.push(`no scope: ${head.textContent}`);
          for (const drawing of document.querySelectorAll("svg:not([aria-hidden])")) if (!drawing.getAttribute("aria-label")) wrong.push("a drawing without words");
          for (const link of document.querySelectorAll("a[href^='#']")) if (!document.getElementById(link.getAttribute("href").slice(1))) wrong.push(`leads nowhere: ${link.outerHTML}`);
          const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
          if (new Set(ids).size !== ids.length) wrong.push("an id twice");

          const channels = text => (text.match(/[\d.]+/g) ?? []).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
          const behind = node => {
            for (; node; node = node.parentElement) {
              const colour = channels(getComputedStyle(node).backgroundColor);
              if (colour.length === 3 || colour[3] > 0) return colour;
            }
            return [255, 255, 255];
          };
          const weak = new Set();
          for (const node of document.querySelectorAll("main *")) {
            if (![...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim())) continue;
            const style = getComputedStyle(node);
            const letters = node instanceof SVGElement ? style.fill : style.color;
            const [a, b] = [light(channels(letters)), light(behind(node))].sort((x, y) => y - x);
            if ((a + 0.05) / (b + 0.05) < 4.5 && !(node instanceof SVGTitleElement)) weak.add(`${node.tagName}.${node.getAttribute("class")}: ${letters}`);
          }
          return [...wrong, ...weak];
        }
        """;

    /// <summary>What sticks out of the page to the right.</summary>
    private const string Sideways = """
        () => document.documentElement.scrollWidth <= innerWidth ? []
          : [...document.querySelectorAll("main *")].filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 120))
        """;
}
