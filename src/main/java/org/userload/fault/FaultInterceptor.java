package org.userload.fault;

import io.netty.channel.IoEventLoop;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.MissingPageHandler;

/**
 * One way to intercept faults and install pages.
 *
 * <p><b>Life.</b> created, {@link #start} once, then faults and installs, then {@link #complete} when every page is in
 * or {@link #fail} when the source is lost, and {@link #close} in every case. After {@code complete} the memory is
 * ordinary memory. After {@code fail} every present page stays usable and every wait for a missing one ends with an
 * error, at once and until close.
 *
 * <p><b>Threads.</b> {@link #awaitPage} on touching threads; installs on any loop; {@link #start}, {@code complete},
 * {@code fail} and {@code close} on any thread but a touching one, one after the other.
 */
public interface FaultInterceptor extends MissingPageHandler, AutoCloseable {
    /** The name used on the command line and in results. */
    String name();

    /**
     * Begins to intercept. Every page of the memory is missing.
     *
     * @param loop the fault loop: where faults are reported
     */
    void start(GuestMemory memory, IoEventLoop loop, FaultListener listener);

    /**
     * Installs those pages of a run that are still missing, atomically each, and wakes who waits for them.
     *
     * @param sourceAddress host address of {@code count} pages of bytes
     * @return how many pages this call installed; the others were there already
     */
    int install(MemoryRegion region, long firstPage, int count, long sourceAddress);

    /** Installs zero pages; otherwise as {@link #install}. */
    int installZero(MemoryRegion region, long firstPage, int count);

    /**
     * Makes pages missing again, whatever they hold. Only while nobody touches the memory: the guest does not run here yet.
     *
     * @return how many of them were present
     * @throws org.userload.linux.NativeException when the kernel does not drop them
     */
    long discard(MemoryRegion region, long firstPage, long count);

    /** Every page is in: ends the interception; the memory costs nothing more. */
    void complete();

    /** No more pages will come: every present and future wait for a missing page ends with this reason. */
    void fail(Throwable reason);

    /** What touching threads have felt. */
    FaultStatistics statistics();

    /** Ends the interception and wakes every waiter with an error. Idempotent. */
    @Override
    void close();
}
