package org.userload.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.userload.benchmark.FloorScenario.Pin;
import org.userload.benchmark.FloorScenario.Size;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the plain C floor and this library in turns, with the same placement, and prints the ratios. */
@Command(
        name = "FloorComparison",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Compares with plain C (benchmarks/floor): the same work, in turns, in one run, with the same placement.",
            "Each figure is the median of all rounds [least-greatest]; ratios are Java/C of the same round."
        })
public final class FloorComparison implements Callable<Integer> {
    @Option(names = "--rounds", description = "Turns of each side. Default: ${DEFAULT-VALUE}.")
    private int rounds = 7;

    @Option(names = "--warmup", description = "Unreported Java turns before the first. Default: ${DEFAULT-VALUE}.")
    private int warmUpTurns = 5;

    @Option(names = "--quick", description = "Less memory, fewer touches, 3 rounds: a look, not a measurement.")
    private boolean quick;

    @Option(
            names = "--pin",
            split = ",",
            description =
                    "Placements: same (all on CPU 0), split (toucher and stream intake on CPU 0, fault loop and source"
                            + " on CPU 1), none. Default: same for faults, none for streams, adaptive waits and many threads.")
    private Set<Pin> pins = EnumSet.noneOf(Pin.class);

    @Option(names = "--scenario", split = ",", description = "Some of: ${COMPLETION-CANDIDATES}. Default: all.")
    private Set<FloorScenario> scenarios = EnumSet.allOf(FloorScenario.class);

    @Option(names = "--floor", description = "Directory of the C program. Default: ${DEFAULT-VALUE}.")
    private Path floor = Path.of("benchmarks", "floor");

    @Option(names = "--json", description = "Also write every result and every ratio to this file.")
    private Path jsonFile;

    @Spec
    private CommandSpec spec;

    private final ObjectMapper json = new ObjectMapper();
    private final List<Row> rows = new ArrayList<>();
    private final ArrayNode runs = json.createArrayNode();

    /** One line of the table. */
    private record Row(FloorScenario scenario, Pin pin, FloorMetric metric, Spread c, Spread java, Spread ratio) {}

    /** Exit status 0, or 1 when something could not be run, 2 for wrong options. Missed goals are no failure. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new FloorComparison())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(arguments));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        run(List.of("make", "-s", "-C", floor.toString()));
        for (FloorScenario scenario : scenarios) {
            for (Pin pin : pins.isEmpty() ? EnumSet.of(scenario.pin()) : pins) {
                compare(scenario, pin);
            }
        }
        out.println(table());
        out.flush();
        if (jsonFile != null) {
            json.writerWithDefaultPrettyPrinter().writeValue(jsonFile.toFile(), summary());
        }
        return 0;
    }

    private void compare(FloorScenario scenario, Pin pin) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(floor.resolve("floor").toString());
        command.addAll(scenario.floorArguments(quick ? Size.QUICK : Size.FULL, pin));
        List<JsonNode> c = new ArrayList<>();
        List<JsonNode> java = new ArrayList<>();
        try (SubjectProcess subject = SubjectProcess.start(scenario, pin, quick, warmUpTurns)) {
            for (int round = 0; round < (quick ? 3 : rounds); round++) {
                c.add(json.readTree(run(command)));
                java.add(subject.run());
            }
        }
        runs.addAll(c).addAll(java);
        for (FloorMetric metric : FloorMetric.of(scenario)) {
            rows.add(row(scenario, pin, metric, c, java));
        }
    }

    private static Row row(FloorScenario scenario, Pin pin, FloorMetric metric, List<JsonNode> c, List<JsonNode> java) {
        double[] cValues = c.stream().mapToDouble(metric::of).toArray();
        double[] javaValues = java.stream().mapToDouble(metric::of).toArray();
        double[] ratios = new double[cValues.length];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = metric.isOfJavaAlone() ? javaValues[i] : javaValues[i] / cValues[i];
        }
        return new Row(scenario, pin, metric, Spread.of(cValues), Spread.of(javaValues), Spread.of(ratios));
    }

    /** Runs a command and gives what it printed. */
    private static String run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        if (status != 0) {
            throw new IOException(String.join(" ", command) + " ended with status " + status);
        }
        return output;
    }

    private String table() {
        return AsciiTable.getTable(
                rows,
                List.of(
                        left("scenario", row -> row.scenario.toString()),
                        left("pin", row -> row.pin.option()),
                        left("metric", row -> row.metric.name()),
                        right("C", row -> row.c.text(1)),
                        right("Java", row -> row.java.text(1)),
                        right("Java/C", row -> row.ratio.text(2)),
                        right("goal", row -> row.metric.goalText()),
                        left("met", row -> row.metric.verdict(row.ratio.median()))));
    }

    private static com.github.freva.asciitable.ColumnData<Row> left(
            String header, java.util.function.Function<Row, String> value) {
        return new Column().header(header).dataAlign(HorizontalAlign.LEFT).with(value);
    }

    private static com.github.freva.asciitable.ColumnData<Row> right(
            String header, java.util.function.Function<Row, String> value) {
        return new Column().header(header).dataAlign(HorizontalAlign.RIGHT).with(value);
    }

    private ObjectNode summary() throws IOException {
        ObjectNode summary = json.createObjectNode();
        summary.put("schema", "userload.floor-comparison/1");
        ObjectNode machine = summary.putObject("machine");
        machine.put("cpus", Runtime.getRuntime().availableProcessors())
                .put(
                        "kernel",
                        Files.readString(Path.of("/proc/sys/kernel/osrelease")).trim())
                .put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
        ArrayNode comparisons = summary.putArray("comparisons");
        for (Row row : rows) {
            ObjectNode one = comparisons.addObject();
            one.put("scenario", row.scenario.name().toLowerCase(Locale.ROOT))
                    .put("pin", row.pin.option())
                    .put("metric", row.metric.name());
            row.c.write(one.putObject("c"));
            row.java.write(one.putObject("java"));
            row.ratio.write(one.putObject("ratio"));
            if (!Double.isNaN(row.metric.goal())) {
                one.put("goal", row.metric.goal()).put("met", "yes".equals(row.metric.verdict(row.ratio.median())));
            }
        }
        summary.set("runs", runs);
        return summary;
    }
}
