package org.userload.benchmark;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.userload.benchmark.FaultTimeline.Stage;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.GuestMemory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Where the time of one fault goes: destination and source in two JVMs, a thread that touches missing pages through the
 * page-access layer, and the kernel's trace points of their system calls, recorded by {@code perf} (root). The median of each
 * stage, and what the same faults take while nobody traces.
 */
@Command(
        name = "FaultBreakdown",
        mixinStandardHelpOptions = true,
        description = "Splits the time of a fault over TCP into its stages. Needs perf and root.")
public final class FaultBreakdown implements Callable<Integer> {
    private static final int PAGES = 128 * 256;
    private static final int WARM_UP = 15_000;

    /** What ends a stage; no more, since each costs about a microsecond. */
    private static final List<String> TRACED = List.of(
            "enter_madvise",
            "exit_madvise",
            "exit_epoll_wait",
            "exit_epoll_pwait",
            "exit_epoll_pwait2",
            "exit_write",
            "exit_writev",
            "exit_sendto",
            "enter_ioctl",
            "exit_ioctl");

    @Option(names = "--touches", description = "Faults that are traced. Default: ${DEFAULT-VALUE}.")
    private int touches = 2_000;

    @Option(names = "--cpu", description = "CPU of everything, or -1 for any. Default: ${DEFAULT-VALUE}.")
    private int cpu;

    @Option(names = "--toucher", hidden = true, description = "Be the destination.")
    private boolean toucher;

    @Spec
    private CommandSpec spec;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new FaultBreakdown()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        if (toucher) {
            touch();
            return 0;
        }
        PrintWriter out = spec.commandLine().getOut();
        Path recording = Files.createTempFile("userload", ".perf");
        try {
            Process destination = new ProcessBuilder(JvmCommand.of(
                            cpu, FaultBreakdown.class, "--toucher", "--touches=" + touches, "--cpu=" + cpu))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader answers = destination.inputReader(StandardCharsets.UTF_8);
            double plain = Double.parseDouble(answers.readLine());
            Process perf = record(recording);
            destination.getOutputStream().write('\n');
            destination.getOutputStream().flush();
            double traced = Double.parseDouble(answers.readLine());
            // SIGINT is how perf is told to write what it has.
            new ProcessBuilder("kill", "-INT", Long.toString(perf.pid()))
                    .start()
                    .waitFor();
            perf.waitFor();
            destination.getOutputStream().close();
            destination.waitFor();
            print(out, timeline(recording), plain, traced);
            return 0;
        } finally {
            Files.deleteIfExists(recording);
        }
    }

    /** The destination: faults that nobody traces, then as many more when told. */
    private void touch() throws Exception {
        try (SourceProcess source = SourceProcess.start(BenchmarkSource.Content.PATTERN, PAGES, cpu);
                Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                        .withInterceptor(InterceptorChoice.USERFAULTFD)
                        .withStreamAtOnce(false))) {
            int[] order = Pattern.randomOrder(PAGES, WARM_UP + 2 * touches, Pattern.SEED);
            median(destination.memory(), order, 0, WARM_UP);
            System.out.println(median(destination.memory(), order, WARM_UP, touches));
            if (System.in.read() < 0) {
                throw new IOException("nobody traces");
            }
            System.out.println(median(destination.memory(), order, WARM_UP + touches, touches));
            while (System.in.read() >= 0) {
                // The end of input is the end.
            }
        }
    }

    /** Microseconds of a fault. */
    private static double median(GuestMemory memory, int[] order, int first, int count) {
        double[] micros = new double[count];
        long sum = 0;
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            sum += memory.getLong((long) order[first + i] << 12);
            micros[i] = (System.nanoTime() - start) / 1e3;
        }
        if (sum == 0) {
            throw new IllegalStateException("the pages hold nothing");
        }
        return Spread.of(micros).median();
    }

    private Process record(Path recording) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("perf", "record", "-q", "-a", "-m", "4096"));
        for (String event : TRACED) {
            command.addAll(List.of("-e", "syscalls:sys_" + event));
        }
        command.addAll(List.of("-o", recording.toString()));
        Process perf = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        // It writes its header when it has begun.
        while (perf.isAlive() && Files.size(recording) == 0) {
            Thread.sleep(20);
        }
        Thread.sleep(500);
        if (!perf.isAlive()) {
            throw new IOException("perf cannot record; it needs root and the trace points of system calls");
        }
        return perf;
    }

    private static FaultTimeline timeline(Path recording) throws IOException, InterruptedException {
        Process script = new ProcessBuilder(
                        "perf", "script", "-i", recording.toString(), "-F", "comm,tid,time,event", "--ns")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        FaultTimeline timeline = new FaultTimeline();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(script.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                timeline.add(line);
            }
        }
        script.waitFor();
        return timeline;
    }

    private static void print(PrintWriter out, FaultTimeline timeline, double plain, double traced) {
        Map<Stage, double[]> stages = new EnumMap<>(Stage.class);
        for (Stage stage : Stage.values()) {
            stages.put(stage, timeline.micros(stage));
        }
        double sum = stages.values().stream()
                .mapToDouble(micros -> Spread.of(micros).median())
                .sum();
        out.println(AsciiTable.getTable(
                List.copyOf(stages.entrySet()),
                List.of(
                        new Column()
                                .header("stage")
                                .dataAlign(HorizontalAlign.LEFT)
                                .with(entry -> entry.getKey().toString()),
                        new Column()
                                .header("median us")
                                .with(entry ->
                                        format(Spread.of(entry.getValue()).median())),
                        new Column()
                                .header("share")
                                .with(entry -> String.format(
                                        Locale.ROOT,
                                        "%.0f %%",
                                        100 * Spread.of(entry.getValue()).median() / sum)))));
        out.printf(
                Locale.ROOT,
                "%d faults seen whole; sum of the medians %.1f us. A fault took %.1f us while it was traced, %.1f us before.%n",
                timeline.faults(),
                sum,
                traced,
                plain);
        out.flush();
    }

    private static String format(double micros) {
        return String.format(Locale.ROOT, "%.2f", micros);
    }
}
