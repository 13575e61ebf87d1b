using System.Text.RegularExpressions;
using DbAccess.TestKit;
using Microsoft.Playwright;

using static Microsoft.Playwright.Assertions;

namespace DbAccess.EndToEnd.Tests;

/// <summary>A Chromium from this machine; nothing is downloaded. Without one the tests are skipped at a desk and fail in CI.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private readonly Dictionary<IBrowserContext, string?> _opened = [];

    public async ValueTask InitializeAsync()
    {
        if (Find() is not { } path) return;
        // A busy machine draws slowly; Playwright's own limit for an expectation is five seconds.
        SetDefaultExpectTimeout((float)Patience.Limit.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = path,
            Headless = true,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    /// <summary>A page on which Erin sits before the stand-in.</summary>
    public async Task<IPage> OpenAsync(Uri address)
    {
        var page = await NewAsync(1280);
        await page.GotoAsync(new Uri(address, $"?user={SlackUser.Erin}").ToString());
        await Expect(page.GetByTestId("user-select")).ToHaveValueAsync(SlackUser.Erin);
        return page;
    }

    /// <summary>Several people side by side, each in a frame of a phone's width.</summary>
    public async Task<(IPage Page, IReadOnlyDictionary<string, IFrameLocator> People)> OpenTogetherAsync(Uri address, params string[] names)
    {
        var page = await NewAsync(names.Length * 390);
        await page.GotoAsync(new Uri(address, $"?people={string.Join(',', names)}").ToString());
        var people = names.ToDictionary(name => name, name => page.FrameLocator($"[data-testid=frame-{name}]"), StringComparer.Ordinal);
        foreach (var person in people.Values) await Expect(person.GetByTestId("channel-app")).ToBeVisibleAsync();
        return (page, people);
    }

    /// <summary>An empty page of its own.</summary>
    public async Task<IPage> NewAsync(int width)
    {
        if (_browser is null)
        {
            const string why = "Chromium or Chrome was not found in PATH; set DBACCESS_CHROMIUM to its path, or run scripts/test, which installs it on Debian.";
            if (Environment.GetEnvironmentVariable("CI") == "true") throw new InvalidOperationException(why);
            Assert.Skip(why);
        }

        // A page that nobody looks at any more asks and draws as long as it is open. A test may have several.
        var test = TestContext.Current.Test?.UniqueID;
        foreach (var done in _browser.Contexts.Where(context => _opened.GetValueOrDefault(context) != test).ToList()) await done.CloseAsync();
        var page = await _browser.NewPageAsync(new() { ViewportSize = new() { Width = width, Height = 800 }, Locale = "en-GB" });
        _opened[page.Context] = test;
        page.SetDefaultTimeout((float)Patience.Limit.TotalMilliseconds);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    private static string? Find() =>
        ((string?[])[Environment.GetEnvironmentVariable("DBACCESS_CHROMIUM"), "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
        .Where(name => !string.IsNullOrEmpty(name))
        .SelectMany(name => Path.IsPathRooted(name!) ? [name!] : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Where(folder => folder.Length > 0).Select(folder => Path.Combine(folder, name!)))
        .FirstOrDefault(File.Exists);
}

/// <summary>The page in a real browser, as somebody who tries the product sees it.</summary>
public sealed class BrowserTests(OpenHouse house, Chromium chromium) : IClassFixture<OpenHouse>, IClassFixture<Chromium>
{
    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    [Fact]
    public async Task Asked_by_command_the_credentials_are_read_from_the_page_used_and_seen_to_end()
    {
        var page = await chromium.OpenAsync(It.Slack.BaseUrl);
        await TypeAsync(page, "/db-access orders read 30s because INC-4711 stuck orders");

        var message = Message(page, "Password: ");
        var credential = await ReadAsync(message);
        Assert.True(await It.CanLogInAsync(credential));
        await ScreenshotAsync(page);

        await Expect(Message(page, "read on orders for 30s has ended: its time was over")).ToBeVisibleAsync();
        await Expect(page.GetByText(credential.Password)).ToHaveCountAsync(0);
        Assert.False(await It.CanLogInAsync(credential));
    }

    [Fact]
    public async Task Asked_by_form_a_mistake_is_shown_beside_its_field_and_mended_there()
    {
        var page = await chromium.OpenAsync(It.Slack.BaseUrl);
        await TypeAsync(page, "/db-access");
        await Expect(page.GetByTestId("modal")).ToBeVisibleAsync();
        await page.GetByTestId("field-database").SelectOptionAsync("archive");
        await Expect(page.GetByTestId("field-scope").Locator("option[value=peek]")).ToHaveCountAsync(0);
        await page.GetByTestId("field-duration").FillAsync("for ever");
        await page.GetByTestId("field-reason").FillAsync("looking into INC-4711");
        await page.GetByTestId("modal-submit").ClickAsync();
        await Expect(page.GetByTestId("field-error-duration")).ToContainTextAsync("Not a length I can use");
        await Expect(page.GetByTestId("field-error-reason")).ToHaveCountAsync(0);

        await page.GetByTestId("field-duration").FillAsync("10m");
        await page.GetByTestId("modal-submit").ClickAsync();

        await Expect(page.GetByTestId("modal")).ToHaveCountAsync(0);
        var message = Message(page, "Database: archive");
        var credential = await ReadAsync(message);
        Assert.Equal("archive", credential.Database);
        Assert.True(await It.CanLogInAsync(credential));

        // Only a confirmed press ends it.
        await message.GetByTestId("button-return_grant").ClickAsync();
        await page.GetByTestId("confirm-deny").ClickAsync();
        Assert.True(await It.CanLogInAsync(credential));
        await message.GetByTestId("button-return_grant").ClickAsync();
        await page.GetByTestId("confirm-ok").ClickAsync();
        await Expect(Message(page, "read on archive for 10m has ended: you gave it back")).ToBeVisibleAsync();
        Assert.False(await It.CanLogInAsync(credential));
    }

    [Fact]
    public async Task By_keyboard_alone_access_is_asked_for_used_and_given_back_and_everything_has_a_name()
    {
        var page = await chromium.OpenAsync(It.Slack.BaseUrl);
        var keys = page.Keyboard;
        await OnAsync(page, "composer");
        await keys.TypeAsync("/db-access");
        await keys.PressAsync("Enter");

        // The form has the keyboard from the first field on.
        await Expect(page.GetByTestId("field-database")).ToBeFocusedAsync();
        await Expect(page.GetByRole(AriaRole.Dialog, new() { Name = "Request access" })).ToBeVisibleAsync();
        await Spoken.CheckAsync(page.Locator("body"));
        await OnAsync(page, "field-only");
        await keys.TypeAsync("public.ord");
        await Expect(page.GetByTestId("option").First).ToBeVisibleAsync();
        await Spoken.CheckAsync(page.Locator("body"));
        await keys.PressAsync("ArrowDown");
        await Expect(page.GetByTestId("option").First).ToBeFocusedAsync();
        var table = await page.GetByTestId("option").First.InnerTextAsync();
        await keys.PressAsync("Enter");
        await Expect(page.GetByTestId("chip")).ToContainTextAsync(table);
        await Expect(page.GetByTestId("field-only")).ToBeFocusedAsync();
        await OnAsync(page, "field-duration");
        await keys.PressAsync("Control+A");
        await keys.TypeAsync("for ever");
        await OnAsync(page, "field-reason");
        await keys.TypeAsync("INC-4711 by keyboard");
        await OnAsync(page, "modal-submit");
        await keys.PressAsync("Enter");

        // A mistake takes the keyboard to its field, which says what is wrong with it.
        await Expect(page.GetByTestId("field-duration")).ToBeFocusedAsync();
        await Expect(page.GetByTestId("field-duration")).ToHaveAccessibleDescriptionAsync(new Regex("Not a length I can use"));
        await keys.PressAsync("Control+A");
        await keys.TypeAsync("10m");
        await keys.PressAsync("Enter");
        await Expect(page.GetByTestId("modal")).ToHaveCountAsync(0);
        await Expect(page.GetByTestId("composer")).ToBeFocusedAsync();
        // The message that stays.
        var message = Message(page, "Password: ");
        var credential = await ReadAsync(message);
        Assert.True(await It.CanLogInAsync(credential));
        await Spoken.CheckAsync(page.Locator("body"));

        // Back in the page, to the button of the newest message, whose question has the keyboard and keeps it.
        await OnAsync(page, "button-return_grant", "Shift+Tab");
        await keys.PressAsync("Enter");
        await Expect(page.GetByTestId("confirm-ok")).ToBeFocusedAsync();
        await Spoken.CheckAsync(page.Locator("body"));
        await keys.PressAsync("Tab");
        await Expect(page.GetByTestId("confirm-deny")).ToBeFocusedAsync();
        await keys.PressAsync("Escape");
        await Expect(message.GetByTestId("button-return_grant")).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await keys.PressAsync("Enter");

        await Expect(Message(page, "has ended: you gave it back")).ToBeVisibleAsync();
        Assert.False(await It.CanLogInAsync(credential));
        await OnAsync(page, "tab-home", "Shift+Tab");
        await keys.PressAsync("Enter");
        await Expect(page.Locator("#home")).ToContainTextAsync("Ask for access");
        await Expect(page.GetByTestId("tab-home")).ToBeFocusedAsync();
        await Spoken.CheckAsync(page.Locator("body"));
    }

    /// <summary>Goes on with the Tab key until it is there.</summary>
    private static async Task OnAsync(IPage page, string testid, string key = "Tab")
    {
        for (var steps = 0; steps < 200; steps++)
        {
            if (await page.EvaluateAsync<string?>("() => document.activeElement?.dataset.testid ?? null") == testid) return;
            await page.Keyboard.PressAsync(key);
        }

        Assert.Fail($"The keyboard does not come to {testid}.");
    }

    private static async Task TypeAsync(IPage page, string text)
    {
        await page.GetByTestId("composer").FillAsync(text);
        await page.GetByTestId("send").ClickAsync();
    }

    private static ILocator Message(IPage page, string words) => page.GetByTestId("message").Filter(new() { HasText = words }).Last;

    private static async Task<DeliveredCredential> ReadAsync(ILocator message)
    {
        await Expect(message).ToBeVisibleAsync();
        return DeliveredCredential.Read(await message.InnerTextAsync()) ?? throw new InvalidOperationException("The message does not show credentials, line by line.");
    }

    /// <summary>For the README; the password on it is dead by the time anybody looks.</summary>
    private static async Task ScreenshotAsync(IPage page)
    {
        if (Environment.GetEnvironmentVariable("DBACCESS_SCREENSHOT") is not { Length: > 0 } path) return;

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await page.HidePasswordsAsync();
        await page.ScreenshotAsync(new() { Path = path });
    }
}
