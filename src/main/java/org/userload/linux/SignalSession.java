package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A session in the native shim: a thread that touches a missing page of its ranges fetches it itself, in a handler of SIGBUS, on
 * a connection of its own.
 *
 * <p><b>Nothing here waits for a thread that runs Java code.</b> The handler runs on threads that count as running Java code,
 * so they hold up a safepoint until their page is there; whatever they wait for must go on during a safepoint. So installs,
 * releases and the gate between them are native calls as a whole.
 *
 * <p><b>Signals.</b> The handler is installed with the first session of a process and stays. Every SIGBUS that is not about a
 * missing page of a session goes to the handler that was there before, the JVM's.
 *
 * <p><b>Threads.</b> Any; {@link #collect}, {@link #fail} and {@link #end} one at a time. After {@link #end} calls do nothing.
 */
public final class SignalSession {
    private static final int SESSION_BYTES = 16;
    private static final int ERROR_BYTES = 512;

    /** Words taken in one call of {@link #collect}. */
    private static final int WORDS_AT_ONCE = 512;

    private final NativeShim.Calls calls;
    private final int handle;
    private final ByteBuffer words = allocate(WORDS_AT_ONCE * 2 * Long.BYTES);
    private final ByteBuffer countsOut = allocate(SignalLayout.COUNTS * Long.BYTES);
    private volatile @Nullable Snapshot last;

    private SignalSession(NativeShim.Calls calls, int handle) {
        this.calls = calls;
        this.handle = handle;
    }

    /**
     * A region of memory.
     *
     * @param address host address, page-aligned
     * @param bytes whole pages
     * @param region its index in the region table
     */
    public record Range(long address, long bytes, int region) {}

    /**
     * How to open a session.
     *
     * @param address of the source, {@code HOST:PORT}, {@code [IPV6]:PORT} or {@code unix:PATH}
     * @param sessionHigh first half of the session's id
     * @param sessionLow second half of it
     * @param longest how long a page may be awaited
     * @param uffd a userfaultfd with {@link UffdFeature#SIGBUS}, which stays the caller's; open until {@link #end}
     * @param connections on which threads ask for their pages, 1 to 256
     * @param pageBytes size of a page
     */
    public record Options(
            String address,
            long sessionHigh,
            long sessionLow,
            Duration longest,
            int uffd,
            int connections,
            int pageBytes,
            List<Range> ranges) {}

    /**
     * Of pages that threads have fetched themselves.
     *
     * @param faults how often a page was to be fetched
     * @param installed pages installed
     * @param duplicates pages that were in place when they came
     * @param failures faults that were not served
     * @param wireBytes of frames, both ways
     * @param blockedNanos that threads have spent in the signal handler, together
     * @param reconnects connections that were opened again
     */
    public record Counts(
            long faults,
            long installed,
            long duplicates,
            long failures,
            long wireBytes,
            long blockedNanos,
            long reconnects) {
        static final Counts NONE = new Counts(0, 0, 0, 0, 0, 0, 0);
    }

    /** Takes pages that were fetched. */
    public interface PageSink {
        /** Bit <i>i</i> of {@code bits} is page {@code firstPage + i}. */
        void pages(int region, long firstPage, long bits);
    }

    /** Takes latencies. */
    public interface LatencySink {
        void latency(long nanos, long count);
    }

    /** What is kept when the session has ended. */
    private static final class Snapshot {
        final Counts counts;
        final long[] latencies;

        Snapshot(Counts counts, long[] latencies) {
            this.counts = counts;
            this.latencies = latencies;
        }
    }

    /**
     * Opens the connections and installs the handler. The ranges must be registered before they are touched, and not be registered
     * any more at {@link #end}.
     *
     * @throws NativeShim.ShimMissingException when this build has no shim
     * @throws IllegalStateException when the session cannot be opened; the message says why
     */
    public static SignalSession open(Options options) {
        NativeShim.Calls calls = NativeShim.shared().calls();
        ByteBuffer address = text(options.address);
        ByteBuffer id = allocate(SESSION_BYTES).order(ByteOrder.BIG_ENDIAN);
        id.putLong(0, options.sessionHigh).putLong(Long.BYTES, options.sessionLow);
        ByteBuffer ranges = ranges(options.ranges);
        ByteBuffer error = allocate(ERROR_BYTES);
        ByteBuffer fields = allocate(SignalLayout.OPTIONS_SIZE)
                .putLong(SignalLayout.OPTIONS_ADDRESS, NativeBuffers.address(address))
                .putLong(SignalLayout.OPTIONS_SESSION, NativeBuffers.address(id))
                .putLong(SignalLayout.OPTIONS_RANGES, NativeBuffers.address(ranges))
                .putLong(SignalLayout.OPTIONS_ERROR, NativeBuffers.address(error))
                .putLong(SignalLayout.OPTIONS_ERROR_BYTES, ERROR_BYTES)
                .putLong(SignalLayout.OPTIONS_TIMEOUT_NANOS, options.longest.toNanos())
                .putInt(SignalLayout.OPTIONS_UFFD, options.uffd)
                .putInt(SignalLayout.OPTIONS_RANGE_COUNT, options.ranges.size())
                .putInt(SignalLayout.OPTIONS_SLOTS, options.connections)
                .putInt(SignalLayout.OPTIONS_PAGE_BYTES, options.pageBytes);
        int handle = calls.userload_session_open(NativeBuffers.address(fields));
        for (ByteBuffer used : List.of(address, id, ranges, error, fields)) {
            Reference.reachabilityFence(used);
        }
        if (handle < 0) {
            throw new IllegalStateException(text(error, -handle));
        }
        return new SignalSession(calls, handle);
    }

    private static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    private static ByteBuffer text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return allocate(bytes.length + 1).put(bytes).put((byte) 0);
    }

    private static String text(ByteBuffer error, int errno) {
        int length = 0;
        while (length < error.capacity() && error.get(length) != 0) {
            length++;
        }
        return length == 0
                ? Errno.describe(errno)
                : StandardCharsets.UTF_8.decode(error.slice(0, length)).toString();
    }

    private static ByteBuffer ranges(List<Range> ranges) {
        ByteBuffer fields = allocate(ranges.size() * SignalLayout.RANGE_SIZE);
        int at = 0;
        for (Range range : ranges) {
            fields.putLong(at + SignalLayout.RANGE_START, range.address)
                    .putLong(at + SignalLayout.RANGE_BYTES, range.bytes)
                    .putInt(at + SignalLayout.RANGE_REGION, range.region);
            at += SignalLayout.RANGE_SIZE;
        }
        return fields;
    }

    /** How a page that was to be fetched has ended. */
    public enum Fetched {
        /** It is in place. */
        IN_PLACE,
        /** The session has ended and the memory is ordinary memory. */
        ENDED,
        /** It cannot be had; see {@link #describe}. */
        FAILED
    }

    /**
     * Fetches the page of an address on this thread, without a signal; the thread is "in native" meanwhile.
     *
     * @return 0 when it is in place; 1 when the session has ended; otherwise an errno, negative
     */
    public int fetch(long address) {
        return calls.userload_session_fetch(handle, address);
    }

    /** What an answer of {@link #fetch} means. */
    public static Fetched outcomeOf(int answer) {
        return answer == 0 ? Fetched.IN_PLACE : answer == SignalLayout.TRY_AGAIN ? Fetched.ENDED : Fetched.FAILED;
    }

    /** A negative answer of {@link #fetch}, for people. */
    public static String describe(int answer) {
        return Errno.describe(-answer);
    }

    /**
     * Installs copies of pages where they are missing.
     *
     * @return an {@link InstallOutcome}; 0 when the session is over
     */
    public long copy(long address, long source, long length) {
        return outcome("UFFDIO_COPY", calls.userload_session_copy(handle, address, source, length), address, length);
    }

    /** Installs zero pages. @return as {@link #copy} */
    public long zeroPage(long address, long length) {
        return outcome("UFFDIO_ZEROPAGE", calls.userload_session_zero(handle, address, length), address, length);
    }

    private static long outcome(String call, long done, long address, long length) {
        if (done >= 0) {
            return done;
        }
        int errno = (int) -done;
        return switch (errno) {
            case Errno.EEXIST -> InstallOutcome.NEXT_IS_PRESENT;
            case Errno.EAGAIN -> InstallOutcome.MAPPING_IS_CHANGING;
            case Errno.ECANCELED, Errno.EBADF -> 0;
            default -> throw NativeFailure.of(call, errno, address, length);
        };
    }

    /**
     * Makes pages zero pages, whatever they hold; an answer that is on its way for one of them is not installed.
     *
     * @return false when the source is lost
     */
    public boolean drop(long address, long length) {
        int answer = calls.userload_session_drop(handle, address, length);
        if (answer == -Errno.EIO || answer == -Errno.EBADF) {
            return false;
        }
        if (answer < 0) {
            throw NativeFailure.of("madvise(MADV_DONTNEED), UFFDIO_ZEROPAGE", -answer, address, length);
        }
        return true;
    }

    /** Gives pages that threads have fetched since the last call, each once. */
    public void collect(PageSink sink) {
        long buffer = NativeBuffers.address(words);
        int found;
        do {
            found = calls.userload_session_collect(handle, buffer, WORDS_AT_ONCE);
            for (int i = 0; i < found; i++) {
                long place = words.getLong(i * 2 * Long.BYTES);
                long bits = words.getLong((i * 2 + 1) * Long.BYTES);
                int region = (int) (place >>> SignalLayout.REGION_SHIFT);
                long word = place & (1L << SignalLayout.REGION_SHIFT) - 1;
                sink.pages(region, word * Long.SIZE, bits);
            }
        } while (found == WORDS_AT_ONCE);
    }

    public Counts counts() {
        Snapshot kept = last;
        return kept == null ? readCounts() : kept.counts;
    }

    private synchronized Counts readCounts() {
        ByteBuffer out = countsOut;
        int answer = calls.userload_session_counts(handle, NativeBuffers.address(out));
        return answer < 0
                ? Counts.NONE
                : new Counts(
                        out.getLong(0),
                        out.getLong(8),
                        out.getLong(16),
                        out.getLong(24),
                        out.getLong(32),
                        out.getLong(40),
                        out.getLong(48));
    }

    /** Latencies of faults that the signal handler has served. */
    public void latencies(LatencySink sink) {
        Snapshot kept = last;
        long[] counts = kept == null ? readLatencies() : kept.latencies;
        for (int bucket = 0; bucket < counts.length; bucket++) {
            if (counts[bucket] != 0) {
                sink.latency(SignalLayout.nanosOf(bucket), counts[bucket]);
            }
        }
    }

    private long[] readLatencies() {
        ByteBuffer out = allocate(SignalLayout.BUCKETS * Long.BYTES);
        calls.userload_session_latencies(handle, NativeBuffers.address(out), SignalLayout.BUCKETS);
        long[] counts = new long[SignalLayout.BUCKETS];
        out.asLongBuffer().get(counts);
        Reference.reachabilityFence(out);
        return counts;
    }

    /** No more pages will come: whoever waits for one, or touches one, has an error, now and until {@link #end}. */
    public void fail() {
        calls.userload_session_fail(handle);
    }

    /** The ranges are not registered any more: closes the connections, and waits for threads that are using them. Once. */
    public void end() {
        calls.userload_session_end(handle);
        last = new Snapshot(readCounts(), readLatencies());
    }
}
