package org.userload.report.comparison;

import com.samskivert.mustache.Mustache;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.userload.report.Quantities;

/**
 * A comparison as one HTML page with plots. It holds all that it needs, and its content security policy forbids to load
 * anything. Every text from outside is escaped by the template, every datum by {@link PlotData}.
 */
public final class ComparisonPage {
    private ComparisonPage() {}

    /**
     * The file's content.
     *
     * @throws IOException if a part of the page is not on the class path
     */
    public static byte[] of(Comparison comparison) throws IOException {
        Map<String, Object> context = new LinkedHashMap<>();
        context.put("trace", comparison.setup().trace());
        context.put("finding", Finding.of(comparison));
        context.put("facts", facts(comparison));
        context.put("options", comparison.setup().options());
        context.put(
                "modes",
                comparison.setup().modes().stream().map(ComparedMode::label).toList());
        context.put("rows", ComparisonTable.rows(comparison));
        context.put("unmoved", ComparisonTable.unmoved(comparison));
        context.put("one", comparison.setup().repeat() == 1);
        context.put("repeat", comparison.setup().repeat());
        context.put("failures", comparison.failures().stream().map(Failure::of).toList());
        context.put("failed", !comparison.failures().isEmpty());
        context.put("style", PlotLibrary.own("comparison.css"));
        context.put("notice", PlotLibrary.notice());
        context.put("library", PlotLibrary.script());
        context.put("data", PlotData.of(comparison).json());
        context.put("script", PlotLibrary.scriptSafe(PlotLibrary.own("comparison.js"), "comparison.js"));
        String template = PlotLibrary.own("comparison.html");
        return Mustache.compiler()
                .escapeHTML(true)
                .compile(template)
                .execute(context)
                .getBytes(StandardCharsets.UTF_8);
    }

    /** A line of the page's head. */
    record Fact(String name, String value) {}

    /** A run that does not count. */
    record Failure(String mode, int turn, String error) {
        static Failure of(Run run) {
            return new Failure(run.mode().label(), run.turn(), String.valueOf(run.error()));
        }
    }

    private static List<Fact> facts(Comparison comparison) {
        Setup setup = comparison.setup();
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("Workload", setup.trace()));
        comparison.anyResult().ifPresent(result -> {
            facts.add(new Fact(
                    "Memory",
                    Quantities.bytes(result.memoryBytes()) + ", of which the workload touches "
                            + Quantities.count(result.tracePages()) + " pages"));
            facts.add(new Fact("Accesses", Quantities.count(result.traceAccesses())));
        });
        facts.add(new Fact("Link", link(comparison)));
        facts.add(new Fact(
                "Rate",
                setup.option("--rate", "").isEmpty()
                        ? "full speed"
                        : setup.option("--rate", "") + " accesses per second"));
        facts.add(new Fact("Runs", setup.repeat() + " of each mode, the modes in turns; each in new processes"));
        Machine machine = setup.machine();
        facts.add(new Fact(
                "Machine", machine.kernel() + ", " + machine.architecture() + ", " + machine.cpus() + " CPUs"));
        facts.add(new Fact("JVM", machine.jvm()));
        facts.add(new Fact("Started", setup.started().toString()));
        return facts;
    }

    private static String link(Comparison comparison) {
        RunResult.Link link = comparison.anyMoved().map(RunResult::link).orElse(null);
        return link == null
                ? "loopback, not limited"
                : Quantities.count(Math.round(link.bytesPerS() * 8 / 1e6)) + " Mbit/s, round trip "
                        + Quantities.micros(link.rttUs());
    }
}
