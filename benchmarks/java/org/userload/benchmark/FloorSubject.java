package org.userload.benchmark;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.kenai.jffi.MemoryIO;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.userload.benchmark.FloorScenario.Pin;
import org.userload.benchmark.FloorScenario.Size;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.DestinationStatistics;
import org.userload.destination.InterceptorChoice;
import org.userload.destination.PageCounts;
import org.userload.linux.CpuAffinity;
import org.userload.linux.Mapping;
import org.userload.linux.NativeMemory;
import org.userload.memory.AtomicBitmap;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.transport.Placement;
import org.userload.transport.WaitPolicy;

/**
 * The Java side of {@link FloorComparison}: a destination process that runs one scenario each time a line arrives on its
 * standard input, and answers with one line of JSON like that of {@code benchmarks/floor}. Ends when its input ends.
 *
 * <p>The process and its source process stay, so that a turn measures compiled code; the warm-up before the first turn
 * is whole turns that are not reported. Each turn opens a new session.
 */
final class FloorSubject {
    private final FloorScenario scenario;
    private final Size size;
    private final Pin pin;
    private final int pages;
    private final ObjectMapper json = new ObjectMapper();

    private FloorSubject(FloorScenario scenario, Size size, Pin pin) {
        this.scenario = scenario;
        this.size = size;
        this.pin = pin;
        this.pages = scenario.pages(size);
    }

    /** Arguments: scenario, pin, FULL or QUICK, warm-up turns. */
    public static void main(String[] arguments) throws Exception {
        Size size = "QUICK".equals(arguments[2]) ? Size.QUICK : Size.FULL;
        FloorSubject subject = new FloorSubject(FloorScenario.valueOf(arguments[0]), size, Pin.valueOf(arguments[1]));
        if (subject.pin == Pin.SPLIT) {
            CpuAffinity.pinCurrentThread(0);
        }
        subject.serve(Integer.parseInt(arguments[3]));
    }

    private void serve(int warmUpTurns) throws Exception {
        if (scenario == FloorScenario.FAULT_LOCAL) {
            try (GuestMemory origin = GuestMemory.present(RegionTable.single(pages))) {
                Pattern.fill(origin, Pattern.SEED);
                serve(warmUpTurns, () -> localFaults(origin));
            }
            return;
        }
        if (scenario == FloorScenario.DIRTY) {
            DirtySubject dirty = new DirtySubject(pages, size.dirtyRounds());
            serve(warmUpTurns, () -> dirtyTurn(dirty));
            return;
        }
        WaitPolicy waiting = scenario == FloorScenario.FAULT_ADAPTIVE ? WaitPolicy.ADAPTIVE : WaitPolicy.BLOCK;
        try (SourceProcess source = SourceProcess.start(
                BenchmarkSource.Content.PATTERN, pages, pin.sourceCpu(), "wait=" + waiting.name())) {
            DestinationConfig config = DestinationConfig.from(source.endpoint())
                    .withInterceptor(
                            scenario == FloorScenario.FAULT_SIGNAL
                                    ? InterceptorChoice.SIGNAL
                                    : InterceptorChoice.USERFAULTFD)
                    .withStreamAtOnce(false)
                    .withHugePages(scenario != FloorScenario.STREAM)
                    .withPlacement(new Placement(List.of(), waiting));
            serve(warmUpTurns, () -> scenario.isStream() ? stream(config) : faults(config));
        }
    }

    /** One run of the scenario. */
    private interface Turn {
        ObjectNode run() throws Exception;
    }

    private static void serve(int warmUpTurns, Turn turn) throws Exception {
        for (int i = 0; i < warmUpTurns; i++) {
            turn.run();
        }
        System.out.println("ready");
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (input.readLine() != null) {
            System.gc();
            System.out.println(turn.run());
        }
    }

    private ObjectNode dirtyTurn(DirtySubject dirty) {
        long begin = System.nanoTime();
        ObjectNode measured = dirty.run();
        ObjectNode result = result(System.nanoTime() - begin, new long[0], 0);
        result.set("dirty", measured);
        return result;
    }

    private ObjectNode faults(DestinationConfig config) throws Exception {
        warmHost();
        try (Destination destination = Destination.open(config)) {
            placeFaultLoop();
            ObjectNode result = touchMissing(reader(destination.memory()));
            count(result, destination.statistics().pages());
            return result;
        }
    }

    private ObjectNode localFaults(GuestMemory origin) throws Exception {
        warmHost();
        try (LocalPages local = new LocalPages(origin)) {
            placeFaultLoop();
            return touchMissing(reader(local.memory()));
        }
    }

    /** How a word of memory is read. */
    private interface Reader {
        long getLong(long address);
    }

    /** By the page-access layer; where a signal is to be measured past it, as any Java code that has the address. */
    private Reader reader(GuestMemory memory) {
        if (scenario != FloorScenario.FAULT_SIGNAL) {
            return memory::getLong;
        }
        ByteBuffer bytes = MemoryIO.getInstance()
                .newDirectByteBuffer(memory.region(0).hostAddress(), pages << 12)
                .order(ByteOrder.LITTLE_ENDIAN);
        return address -> bytes.getLong((int) address);
    }

    private ObjectNode touchMissing(Reader memory) {
        int[] order = Pattern.randomOrder(pages, size.warmup() + size.touches(), Pattern.SEED);
        long[] latencies = new long[size.touches()];
        for (int i = 0; i < size.warmup(); i++) {
            touchNanos(memory, order[i]);
        }
        long allocatedBefore = AllocatedBytes.ofAllThreads();
        long start = System.nanoTime();
        touch(memory, Arrays.copyOfRange(order, size.warmup(), order.length), latencies);
        long total = System.nanoTime() - start;
        double allocated = AllocatedBytes.ofAllThreads() - allocatedBefore;
        return result(total, latencies, latencies.length)
                .put("allocated_bytes_per_fault", allocated / latencies.length);
    }

    /** Touches pages, with as many threads as the scenario says, each an equal part. */
    private void touch(Reader memory, int[] order, long[] latencies) {
        int touchers = scenario.touchers();
        if (touchers == 1) {
            touchPart(memory, order, latencies, 0, order.length);
            return;
        }
        Thread[] threads = new Thread[touchers];
        for (int i = 0; i < touchers; i++) {
            int first = (int) ((long) order.length * i / touchers);
            int end = (int) ((long) order.length * (i + 1) / touchers);
            threads[i] = new Thread(() -> touchPart(memory, order, latencies, first, end), "toucher");
            threads[i].start();
        }
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static void touchPart(Reader memory, int[] order, long[] latencies, int first, int end) {
        for (int i = first; i < end; i++) {
            latencies[i] = touchNanos(memory, order[i]);
        }
    }

    private static void touch(Reader memory, long page) {
        long address = page << 12;
        if (memory.getLong(address) != Pattern.word(address >>> 3, Pattern.SEED)) {
            throw new IllegalStateException("wrong content of page " + page);
        }
    }

    /** Reads a word of a page. The fence keeps the read between the clock readings. */
    private static long touchNanos(Reader memory, long page) {
        long address = page << 12;
        long start = System.nanoTime();
        long value = memory.getLong(address);
        VarHandle.fullFence();
        long nanos = System.nanoTime() - start;
        if (value != Pattern.word(address >>> 3, Pattern.SEED)) {
            throw new IllegalStateException("wrong content of page " + page);
        }
        return nanos;
    }

    private ObjectNode stream(DestinationConfig config) throws Exception {
        warmHost();
        long opened = System.nanoTime();
        try (Destination destination = Destination.open(config)) {
            placeFaultLoop();
            long[] latencies = new long[pages];
            int faults = 0;
            long start = System.nanoTime();
            destination.startStream();
            if (scenario == FloorScenario.STREAM_TOUCHER) {
                faults = touchUntilComplete(destination, latencies);
            }
            long touched = 0;
            if (scenario == FloorScenario.STREAM_TOUCH_ALL) {
                faults = touchAll(destination, latencies);
                touched = System.nanoTime() - start;
            }
            DestinationStatistics statistics = destination.completion().get(60, TimeUnit.SECONDS);
            ObjectNode result = result(statistics.completionNanos() - (start - opened), latencies, faults)
                    .put("touched_us", touched / 1e3)
                    .put("blocks_moved", statistics.blocks().moved())
                    .put("blocks_copied", statistics.blocks().copied())
                    .put("huge_share", (double) destination.hugeBytes() / ((long) pages << 12));
            count(result, statistics.pages());
            return result;
        }
    }

    private int touchAll(Destination destination, long[] latencies) {
        Reader memory = reader(destination.memory());
        AtomicBitmap received = destination.memory().region(0).received();
        int faults = 0;
        for (int page : Pattern.randomOrder(pages, pages, Pattern.SEED)) {
            if (received.get(page)) {
                touch(memory, page);
            } else {
                latencies[faults++] = touchNanos(memory, page);
            }
        }
        return faults;
    }

    private int touchUntilComplete(Destination destination, long[] latencies) {
        Reader memory = reader(destination.memory());
        AtomicBitmap received = destination.memory().region(0).received();
        Pattern.Random random = new Pattern.Random(Pattern.SEED);
        int faults = 0;
        while (!destination.completion().isDone()) {
            int page = random.below(pages);
            boolean present = received.get(page);
            long nanos = touchNanos(memory, page);
            if (!present && faults < latencies.length) {
                latencies[faults++] = nanos;
            }
        }
        return faults;
    }

    private ObjectNode result(long totalNanos, long[] latencies, int count) {
        ObjectNode result = json.createObjectNode();
        result.put("scenario", scenario.floorArguments(size, pin).get(0))
                .put("implementation", "java")
                .put("pin", pin.option())
                .put("page_size_bytes", 4096)
                .put("pages", pages)
                .put("seed", Pattern.SEED);
        if (count > 0) {
            long[] sorted = Arrays.copyOf(latencies, count);
            Arrays.sort(sorted);
            result.putObject("fault_latency_ns")
                    .put("count", count)
                    .put("p50", quantile(sorted, 0.5))
                    .put("p90", quantile(sorted, 0.9))
                    .put("p99", quantile(sorted, 0.99))
                    .put("p999", quantile(sorted, 0.999))
                    .put("max", sorted[count - 1])
                    .put("mean", Arrays.stream(sorted).average().orElse(0));
        }
        if (scenario.isStream()) {
            result.put("stream_mb_per_s", pages * 4096L * 1e3 / totalNanos);
        }
        return result.put("total_us", totalNanos / 1e3);
    }

    private static void count(ObjectNode result, PageCounts pages) {
        result.put("pages_demand", pages.demand())
                .put("pages_stream", pages.stream())
                .put("pages_duplicate", pages.duplicate());
    }

    private static long quantile(long[] sorted, double q) {
        return sorted[Math.max(0, (int) Math.ceil(q * sorted.length) - 1)];
    }

    /**
     * Touches and frees as much memory as the turn will need, so that the host backs it; twice as much where huge pages are
     * to come of it, which are not the first that the kernel gives out again.
     */
    private void warmHost() {
        long bytes = (long) pages << (scenario.isStream() ? 13 : 12);
        try (Mapping mapping = Mapping.anonymous(bytes)) {
            mapping.preferHugePages();
            NativeMemory.zero(mapping.address(), bytes);
        }
    }

    /** With {@link Pin#SPLIT} the fault loop goes to CPU 1; every other thread has inherited CPU 0. */
    private void placeFaultLoop() throws IOException, InterruptedException {
        if (pin != Pin.SPLIT) {
            return;
        }
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path thread : threads) {
                if (Files.readString(thread.resolve("comm")).startsWith("userload-sync")) {
                    new ProcessBuilder(
                                    "taskset", "-pc", "1", thread.getFileName().toString())
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor();
                }
            }
        }
    }
}
