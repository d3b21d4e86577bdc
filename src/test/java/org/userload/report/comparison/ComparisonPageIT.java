package org.userload.report.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.userload.support.Chromium;

/** The page of a comparison in a real browser. */
@Timeout(180)
class ComparisonPageIT {
    private static final List<ComparedMode> ALL =
            List.of(ComparedMode.POSTCOPY, ComparedMode.PRECOPY, ComparedMode.HYBRID, ComparedMode.STOPCOPY);

    /** The page's scripts: what reports problems, the library, the data, the plots. */
    private static final int SCRIPTS = 4;

    @TempDir
    private Path directory;

    private Path write(Comparison comparison) throws Exception {
        return Files.write(directory.resolve("page.html"), ComparisonPage.of(comparison));
    }

    private static String section(String dom, String id) {
        int start = dom.indexOf("<section class=\"plot\" id=\"" + id + "\"");
        assertThat(start).as("section " + id).isPositive();
        return dom.substring(start, dom.indexOf("</section>", start));
    }

    private static String withoutScripts(String html) {
        return Pattern.compile("(?s)<script.*?</script>").matcher(html).replaceAll("");
    }

    private static int count(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        int count = 0;
        while (matcher.find()) {
            count++;
        }
        return count;
    }

    @Test
    void everyPlot_isDrawnWithAllItsSeries_andNothingIsReported() throws Exception {
        Chromium.Page page = Chromium.open(write(SampleResults.comparison("sample.ult", ALL, 2, directory)));
        assertThat(page.console()).isEmpty();
        assertThat(page.dom()).containsPattern("<p id=\"problem\" class=\"problem\" hidden");
        // What plot there is, how many series, and the colours that must be in it: every mode, every way of arrival.
        assertPlot(page.dom(), "throughput", 13, "#0072b2", "#d55e00", "#007a5a", "#b0528b", "#8a929c");
        assertPlot(page.dom(), "times", 6, "#0072b2", "#d55e00", "#007a5a", "#b0528b");
        assertPlot(page.dom(), "latency", 2, "#0072b2", "#007a5a");
        assertPlot(page.dom(), "rounds", 4, "#d55e00", "#007a5a");
        assertPlot(page.dom(), "pages", 20, "#0072b2", "#d55e00", "#007a5a", "#a6adb6", "#b0528b");
    }

    private static void assertPlot(String dom, String id, int series, String... colours) {
        String section = section(dom, id);
        assertThat(section).contains("data-series=\"" + series + "\"");
        assertThat(count(section, "<path ")).as("paths in " + id).isGreaterThanOrEqualTo(series);
        for (String colour : colours) {
            assertThat(count(section, "<path [^>]*(stroke|fill)=\"" + colour + "\""))
                    .as(id + " in " + colour)
                    .isPositive();
        }
        assertThat(section).containsPattern("<h2>[^<]{10,}</h2><p>[^<]{20,}</p>");
    }

    @ParameterizedTest
    @CsvSource({"POSTCOPY, rounds", "STOPCOPY, latency"})
    void plotWithoutData_saysSo(ComparedMode mode, String id) throws Exception {
        Chromium.Page page = Chromium.open(write(SampleResults.comparison("sample.ult", List.of(mode), 1, directory)));
        assertThat(page.console()).isEmpty();
        assertThat(section(page.dom(), id)).containsPattern("class=\"canvas empty\"[^>]*>[^<]+<");
        assertThat(section(page.dom(), "throughput")).contains("<path ");
    }

    @Test
    void failedRuns_leaveAPageThatNamesThem() throws Exception {
        Comparison comparison = new Comparison(
                SampleResults.setup("sample.ult", ALL, 1),
                List.of(
                        Run.failed(ComparedMode.NONE, 1, "no & memory"),
                        Run.failed(ComparedMode.HYBRID, 1, "<b>lost")));
        Chromium.Page page = Chromium.open(write(comparison));
        assertThat(page.console()).isEmpty();
        assertThat(page.dom()).contains("hybrid, turn 1: &lt;b&gt;lost", "unmoved, turn 1: no &amp; memory");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "</script><script>document.title='owned'</script>",
                "</title><script>document.title='owned'</script>",
                "\"><img src=x onerror=\"document.title='owned'\">",
                "{{data}}{{{library}}}<!--"
            })
    void hostileTraceName_isShownAsTextOnly(String name) throws Exception {
        Comparison sample = SampleResults.comparison(name, List.of(ComparedMode.POSTCOPY), 1, directory);
        Run failed = Run.failed(ComparedMode.POSTCOPY, 2, "cannot read " + name);
        List<Run> runs = List.of(sample.runs().get(0), sample.runs().get(1), failed);
        Setup setup = new Setup(
                name,
                List.of("--trace=" + name),
                sample.setup().modes(),
                1,
                sample.setup().started(),
                sample.setup().machine());
        Chromium.Page page = Chromium.open(write(new Comparison(setup, runs)));
        assertThat(page.console()).isEmpty();
        assertThat(page.dom()).doesNotContain("<title>owned");
        assertThat(count(page.dom(), "(?i)<script[ >]")).isEqualTo(SCRIPTS);
        assertThat(count(withoutScripts(page.dom()), "(?i)<img[ >]")).isZero();
        String shown = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
        assertThat(page.dom()).contains("<dd>" + shown + "</dd>", "cannot read " + shown);
        assertThat(section(page.dom(), "throughput")).contains("<path ");
    }

    @Test
    void whatAPageReports_isSeen() throws Exception {
        String page = Files.readString(write(SampleResults.comparison("sample.ult", ALL, 1, directory)));
        Path broken = directory.resolve("broken.html");
        Files.writeString(
                broken,
                page.replace("<body>", "<body><img src=\"https://example.invalid/x.png\"><script>x.y</script>"));
        Chromium.Page seen = Chromium.open(broken);
        assertThat(seen.console()).anyMatch(line -> line.contains("example.invalid") && line.contains("violates"));
        assertThat(seen.console()).anyMatch(line -> line.contains("x is not defined"));
        assertThat(seen.dom()).contains("This page is not complete");
    }

    @Test
    void page_refersToNothingOutside() throws Exception {
        String page = new String(
                ComparisonPage.of(SampleResults.comparison("sample.ult", ALL, 1, directory)), StandardCharsets.UTF_8);
        assertThat(page)
                .contains("content=\"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
                        + " img-src data:\"");
        String markup = withoutScripts(page);
        assertThat(markup).doesNotContainPattern("(?i)\\b(src|href|srcset|action|poster|data)\\s*=");
        assertThat(markup).doesNotContainPattern("(?i)url\\(|@import|<link|<base|<iframe|<object|<embed");
        assertThat(page).contains("Licensed to the Apache Software Foundation", "Redistributions in binary form");
    }
}
