package org.userload.fault;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.linux.NativeMemory;
import org.userload.linux.NativeShim;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.PageRange;
import org.userload.memory.PageUnavailableException;
import org.userload.support.FakeSource;
import org.userload.support.Patterns;
import org.userload.support.RawMemory;
import org.userload.support.Threads;
import org.userload.transport.Endpoint;

/** What {@link SignalInterceptorTest} has happen in a JVM of its own: a destination whose threads fetch their own pages. */
final class SignalScenarios {
    private static final int LIMIT_SECONDS = 60;

    private SignalScenarios() {}

    /** Arguments: scenario, source, connections, deadline in ms, and what the scenario wants. */
    public static void main(String[] arguments) throws Exception {
        DestinationConfig config = DestinationConfig.from(Endpoint.parse(arguments[1]))
                .withInterceptor(InterceptorChoice.SIGNAL)
                .withFaultConnections(Integer.parseInt(arguments[2]))
                .withDeadline(Duration.ofMillis(Long.parseLong(arguments[3])))
                .withStreamAtOnce(false);
        String more = arguments.length > 4 ? arguments[4] : "";
        try (Destination destination = Destination.open(config)) {
            destination.completion().whenComplete((statistics, failure) -> {
                if (failure != null) {
                    say("failed: " + failure);
                }
            });
            switch (arguments[0]) {
                case "collections" -> readWhileCollecting(destination, Long.parseLong(more));
                case "others" -> meetOtherSignals(destination);
                case "wild" -> RawMemory.getLong(8);
                case "mapped" -> touchTruncatedFileFromNativeCode();
                case "lost" -> loseTheSource(destination);
                case "silent" -> {
                    failOnce(destination);
                    readAll(destination.memory(), 40);
                }
                case "wrong" -> readAroundWrongAnswers(destination.memory(), Integer.parseInt(more));
                case "released" -> releaseWhileItIsAwaited(destination);
                case "broken" ->
                    readAll(destination.memory(), destination.memory().table().totalPages());
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        }
        System.out.println("closed");
        System.exit(0);
    }

    private static void say(String what) {
        System.out.println(what);
    }

    /** Java code reads by the layer, by Unsafe and by a buffer, native code copies; another thread collects all the time. */
    private static void readWhileCollecting(Destination destination, long seed) throws Exception {
        MemoryRegion region = destination.memory().region(0);
        ByteBuffer buffer = RawMemory.buffer(region);
        AtomicBoolean done = new AtomicBoolean();
        AtomicBoolean wrong = new AtomicBoolean();
        AtomicLong reads = new AtomicLong();
        FutureTask<Integer> collector = Threads.start(() -> collect(done));
        Reader[] readers = {
            address -> destination.memory().getLong(address),
            address -> RawMemory.getLong(region.hostAddress() + address),
            address -> buffer.getLong((int) address),
            address -> {
                ByteBuffer copy = ByteBuffer.allocateDirect(8).order(java.nio.ByteOrder.LITTLE_ENDIAN);
                NativeMemory.copy(NativeMemory.addressOf(copy), region.hostAddress() + address, 8);
                return copy.getLong(0);
            }
        };
        FutureTask<?>[] threads = new FutureTask<?>[3 * readers.length];
        for (int i = 0; i < threads.length; i++) {
            Reader reader = readers[i % readers.length];
            SplittableRandom random = new SplittableRandom(seed + i);
            threads[i] = Threads.start(() -> {
                for (int n = 0; n < 2500; n++) {
                    long address = random.nextLong(region.sizeBytes()) & -8;
                    if (reader.read(address) != Patterns.wordAt(address, seed)) {
                        wrong.set(true);
                    }
                    reads.incrementAndGet();
                }
                return null;
            });
        }
        destination.startStream();
        for (FutureTask<?> thread : threads) {
            Threads.join(thread, LIMIT_SECONDS);
        }
        destination.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        done.set(true);
        say(reads + " reads, " + Threads.join(collector, LIMIT_SECONDS) + " collections, "
                + destination.statistics().pages() + ", faults "
                + destination.statistics().faultLatencyNanos().getTotalCount());
        long difference = Patterns.firstDifference(destination.memory(), seed);
        say(wrong.get() || difference >= 0 ? "a value is wrong" : "every value right");
    }

    private interface Reader {
        long read(long address);
    }

    private static int collect(AtomicBoolean done) {
        int collections = 0;
        for (; !done.get(); collections++) {
            System.gc();
            LockSupport.parkNanos(1_000_000);
        }
        return collections;
    }

    /** What the JVM makes of other signals, while pages are faulted in. */
    private static void meetOtherSignals(Destination destination) throws Exception {
        AtomicBoolean done = new AtomicBoolean();
        FutureTask<Long> reader = Threads.start(() -> {
            long page = 0;
            long pages = destination.memory().table().totalPages();
            while (!done.get() && page < pages) {
                RawMemory.getLong(destination.memory().region(0).hostAddressOf(page++));
            }
            return page;
        });
        int nulls = 0;
        long lengths = 0;
        int[][] holder = new int[1][];
        for (int i = 0; i < 200_000; i++) {
            try {
                lengths += holder[0].length;
            } catch (NullPointerException e) {
                nulls++;
            }
        }
        say(nulls + lengths + " null pointers");
        int errors = 0;
        for (int i = 0; i < 20; i++) {
            MappedByteBuffer truncated = truncatedFile();
            try {
                long sum = 0;
                for (int round = 0; round < 10; round++) {
                    sum += truncated.getLong(4096 + 8 * round);
                    Thread.onSpinWait();
                }
                Thread.sleep(5);
                say("no error, but " + sum);
            } catch (InternalError e) {
                errors++;
            }
        }
        say(errors + " internal errors");
        done.set(true);
        say(Threads.join(reader, LIMIT_SECONDS) > 0 ? "pages came meanwhile" : "no pages came");
    }

    private static MappedByteBuffer truncatedFile() throws Exception {
        Path file = Files.createTempFile("userload-test", ".mapped");
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            access.setLength(16384);
            MappedByteBuffer mapped = access.getChannel().map(MapMode.READ_WRITE, 0, 16384);
            access.setLength(0);
            return mapped;
        } finally {
            Files.delete(file);
        }
    }

    private static void touchTruncatedFileFromNativeCode() throws Exception {
        MappedByteBuffer truncated = truncatedFile();
        NativeShim.shared().touch(NativeMemory.addressOf(truncated), 4096, 4096);
    }

    /** The parent ends the source when both threads wait. */
    private static void loseTheSource(Destination destination) throws Exception {
        failOnce(destination);
        failOnce(destination);
        say("session: "
                + Threads.failure(new Waiting(destination).task, LIMIT_SECONDS).getMessage());
    }

    /** The source answers the request for the page when it has heard of its release. */
    private static void releaseWhileItIsAwaited(Destination destination) throws Exception {
        MemoryRegion region = destination.memory().region(0);
        FutureTask<Long> raw = Threads.start(() -> RawMemory.getLong(region.hostAddressOf(3)));
        // The source answers this one when it has the other request.
        destination.memory().getLong(7L << 12);
        Released released = destination.release(0, new PageRange(3, 1)).get(LIMIT_SECONDS, TimeUnit.SECONDS);
        say("missing: " + released.missing());
        say("awaited: " + Threads.join(raw, LIMIT_SECONDS));
        say("afterwards: " + destination.memory().getLong(3L << 12));
    }

    /** Waits for the end of the session. */
    private static final class Waiting {
        final FutureTask<?> task;

        Waiting(Destination destination) {
            task = Threads.start(() -> destination.completion().get());
        }
    }

    /** One thread asks by the layer, two touch. */
    private static void failOnce(Destination destination) throws Exception {
        MemoryRegion region = destination.memory().region(0);
        ByteBuffer buffer = RawMemory.buffer(region);
        long start = System.nanoTime();
        FutureTask<Long> layer = Threads.start(() -> destination.memory().getLong(3L << 12));
        FutureTask<Long> unsafe = Threads.start(() -> slowly(RawMemory.getLong(region.hostAddressOf(5))));
        FutureTask<Long> raw = Threads.start(() -> slowly(buffer.getLong(7 << 12)));
        Throwable thrown = Threads.failure(layer, LIMIT_SECONDS);
        say("layer: " + (thrown instanceof PageUnavailableException) + " " + thrown.getMessage());
        say("unsafe: " + Threads.failure(unsafe, LIMIT_SECONDS));
        say("buffer: " + Threads.failure(raw, LIMIT_SECONDS));
        say("after ms: " + (System.nanoTime() - start) / 1_000_000);
    }

    /** The JVM throws at the next opportunity after a failed access. */
    private static long slowly(long value) throws InterruptedException {
        Thread.sleep(50);
        return value;
    }

    private static void readAll(GuestMemory memory, long pages) {
        for (long page = 0; page < pages; page++) {
            long address = page << 12;
            if (memory.getLong(address) != FakeSource.wordAt(address)) {
                throw new AssertionError("page " + page + " is wrong");
            }
        }
        say("every page right");
    }

    private static void readAroundWrongAnswers(GuestMemory memory, int wrong) {
        for (long page = 0; page < wrong; page++) {
            long address = page << 12;
            try {
                say("page " + page + ": " + memory.getLong(address));
            } catch (PageUnavailableException e) {
                say("refused: " + e.getMessage());
            }
        }
        for (long page = wrong; page < wrong + 10; page++) {
            long address = page << 12;
            if (memory.getLong(address) != FakeSource.wordAt(address)) {
                throw new AssertionError("page " + page + " is wrong");
            }
        }
        say("every page right");
    }
}
