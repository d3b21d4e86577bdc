package org.userload.fault;

import io.netty.channel.IoEventLoop;
import org.userload.memory.GuestMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.MissingPageHandler;

/**
 * One way to intercept faults and install pages.
 *
 * <p>A page is missing, or known (what it holds is, but it is not in place), or present.
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
     * The session that the memory comes from; before {@link #start}. For interceptors whose threads ask the source themselves.
     */
    default void pagesComeFrom(PageOrigin origin) {}

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

    /** Whether {@link #take} may take memory instead of copying it. */
    default boolean takesMemory() {
        return false;
    }

    /**
     * As {@link #install}, but the memory that the bytes lie in may be taken, as a whole or some pages of it: afterwards it
     * holds anything, zeros where a page was taken. Worth it for a whole huge page of which nothing is there yet.
     *
     * @param source private anonymous memory of this process that nobody else uses
     */
    default Taken take(MemoryRegion region, long firstPage, int count, long source) {
        return new Taken(0, install(region, firstPage, count, source));
    }

    /**
     * What became of the pages of {@link #take}; the others were there already.
     *
     * @param moved pages whose memory was taken
     * @param copied pages that were copied
     */
    record Taken(int moved, int copied) {}

    /**
     * Whether all of these pages are missing, at this moment: neither there nor known. Where memory is not taken, nobody needs to
     * know.
     */
    default boolean areMissing(MemoryRegion region, long firstPage, long count) {
        return false;
    }

    /**
     * Installs pages that hold nothing but one word, for who waits for them; otherwise as {@link #install}.
     *
     * @param word what each little-endian 8 bytes hold. Besides 0 there is one word in a session.
     * @throws IllegalStateException for a second word besides 0
     */
    int installFilled(MemoryRegion region, long firstPage, int count, long word);

    /**
     * What these pages hold is known from now on, where they are missing: the source is not needed for them, and installs
     * leave them as they are. Whoever waits for them goes on; who touches one gets it at once. Costs next to nothing for a page
     * that nobody touches.
     *
     * @param word as for {@link #installFilled}
     * @return how many of them were missing
     */
    long know(MemoryRegion region, long firstPage, long count, long word);

    /**
     * Known pages that are not in place are missing again. Only while nobody touches the memory.
     *
     * @return how many they were
     */
    long forget(MemoryRegion region, long firstPage, long count);

    /** Puts those of the pages in place that are known. Only while nobody touches the memory. */
    void putKnownInPlace(MemoryRegion region, long firstPage, int count);

    /**
     * Makes pages missing again, whatever they hold. Only while nobody touches the memory: the guest does not run here yet.
     *
     * @return how many of them were present or known
     * @throws org.userload.linux.NativeException when the kernel does not drop them
     */
    long discard(MemoryRegion region, long firstPage, long count);

    /**
     * The guest has released these pages: they hold zeros from now on, and the source is not needed for them. The memory of
     * those that are here is given back. Threads may be accessing them meanwhile, and see either content. One call at a time;
     * not on the fault loop.
     *
     * @throws IllegalStateException when the source is lost or the interceptor closed
     */
    Released release(MemoryRegion region, long firstPage, long count);

    /**
     * Puts some known pages in place of which untouched memory would be different. Call again and again before {@link
     * #complete}, when no page is missing; one call at a time.
     *
     * @param most pages in this call, about
     * @return whether none is left
     */
    boolean fillKnown(int most);

    /** No page is missing and {@link #fillKnown} has ended: ends the interception; the memory costs nothing more. */
    void complete();

    /** No more pages will come: every present and future wait for a missing page ends with this reason. */
    void fail(Throwable reason);

    /** What touching threads have felt. */
    FaultStatistics statistics();

    /** Ends the interception and wakes every waiter with an error. Idempotent. */
    @Override
    void close();
}
