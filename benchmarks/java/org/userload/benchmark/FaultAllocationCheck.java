package org.userload.benchmark;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
 * Counts what a fault allocates on the heap of the whole destination JVM, all threads, with the source in another process
 * over TCP. Each round is a session of its own. Exit status 1 when a median misses the goal.
 */
@Command(
        name = "FaultAllocationCheck",
        mixinStandardHelpOptions = true,
        description = "Measures the heap bytes that a fault allocates, for each interceptor.")
public final class FaultAllocationCheck implements Callable<Integer> {
    private static final int PAGES = 128 * 256;
    private static final int WARM_UP_TOUCHES = 2_000;
    private static final int TOUCHES = 20_000;
    private static final double GOAL_BYTES = 1;

    @Option(names = "--rounds", description = "Measured sessions. Default: ${DEFAULT-VALUE}.")
    private int rounds = 7;

    @Option(names = "--warmup", description = "Sessions before them. Default: ${DEFAULT-VALUE}.")
    private int warmup = 4;

    @Option(names = "--threads", description = "Touching threads. Default: ${DEFAULT-VALUE}.")
    private int threads = 1;

    @Spec
    private CommandSpec spec;

    private final int[] order = Pattern.randomOrder(PAGES, WARM_UP_TOUCHES + TOUCHES, Pattern.SEED);

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new FaultAllocationCheck()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        boolean met = true;
        try (SourceProcess source = SourceProcess.start(BenchmarkSource.Content.PATTERN, PAGES, -1)) {
            for (InterceptorChoice choice : new InterceptorChoice[] {
                InterceptorChoice.USERFAULTFD, InterceptorChoice.SOFTWARE, InterceptorChoice.SIGNAL
            }) {
                for (int i = 0; i < warmup; i++) {
                    bytesPerFault(source, choice);
                }
                double[] measured = new double[rounds];
                for (int i = 0; i < rounds; i++) {
                    measured[i] = bytesPerFault(source, choice);
                }
                Spread spread = Spread.of(measured);
                out.printf(
                        Locale.ROOT, "%-11s  %s bytes per fault (goal < %.0f)%n", choice, spread.text(3), GOAL_BYTES);
                out.flush();
                met &= spread.median() < GOAL_BYTES;
            }
        }
        return met ? 0 : 1;
    }

    private double bytesPerFault(SourceProcess source, InterceptorChoice choice) throws Exception {
        ExecutorService touchers = Executors.newFixedThreadPool(threads);
        try (Destination destination = Destination.open(DestinationConfig.from(source.endpoint())
                .withInterceptor(choice)
                .withStreamAtOnce(false))) {
            touch(touchers, destination.memory(), 0, WARM_UP_TOUCHES);
            long before = AllocatedBytes.ofAllThreads();
            touch(touchers, destination.memory(), WARM_UP_TOUCHES, TOUCHES);
            return (double) (AllocatedBytes.ofAllThreads() - before) / TOUCHES;
        } finally {
            touchers.shutdown();
        }
    }

    /** The threads share the touches. What they allocate to start and end is in the figure, and lost in it. */
    private void touch(ExecutorService touchers, GuestMemory memory, int first, int count) throws Exception {
        List<Future<Long>> sums = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int from = first + i;
            sums.add(touchers.submit(() -> {
                long sum = 0;
                for (int at = from; at < first + count; at += threads) {
                    sum += memory.getLong((long) order[at] << 12);
                }
                return sum;
            }));
        }
        for (Future<Long> sum : sums) {
            sum.get();
        }
    }
}
