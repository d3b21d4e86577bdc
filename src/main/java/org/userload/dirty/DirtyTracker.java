package org.userload.dirty;

/**
 * Tells which pages of a guest memory were written.
 *
 * <p><b>What is never lost.</b> Take a write of a page, and let it end at any moment after {@link #start} has returned.
 * For each {@code collect}, one of two things is true:
 *
 * <ul>
 *   <li>the written bytes are in memory when {@code collect} returns, and whoever reads the page after that, in the
 *       thread that collected or in one that was told by it, sees them; or
 *   <li>the page is reported by a later {@code collect}.
 * </ul>
 *
 * <p>So a thread that collects, then copies the pages that were reported, and goes on until the writers have ended and
 * one more round is done, has the memory as it is. "Later" is the next {@code collect} that begins after the write has
 * ended. Whoever reads a page before {@code collect} has returned, inside the sink, has no such promise.
 *
 * <p>A page that was not written may be reported too (a neighbour in a larger page of the host, a page that was
 * dropped, a page that was written while {@code start} ran); a write is reported once or, when it races with a {@code collect}, twice.
 *
 * <p><b>Dropped pages.</b> Dropping pages ({@code madvise(MADV_DONTNEED)}) is no write. Kernels may or may not report a
 * dropped page, so whoever drops one must itself say that its content has changed.
 *
 * <p><b>Threads.</b> One thread at a time calls the methods; any thread writes guest memory meanwhile, in the ways that
 * the tracker {@linkplain #seesNativeWrites() sees}.
 *
 * <p><b>Ownership.</b> Does not own the guest memory, which must stay open until the tracker is closed.
 *
 * <p><b>Errors.</b> {@link IllegalStateException} for a call out of turn: {@code start} once, {@code collect} after it,
 * neither after {@code close}. When {@code collect} throws, what it has taken may not have been reported: close the
 * tracker and take every page as written.
 */
public interface DirtyTracker extends AutoCloseable {
    /** The name used on the command line and in results. */
    String name();

    /** Whether writes by native code, virtual CPUs and system calls are seen, or only those through {@code GuestMemory}. */
    boolean seesNativeWrites();

    /** From the return on every write is recorded. No page counts as written. */
    void start();

    /**
     * Reports the pages that were written since {@code start} or since the last {@code collect}, and forgets them.
     * Regions come in order, and runs in ascending order within a region, without overlap. Allocates nothing.
     */
    void collect(DirtySink sink);

    /** Stops tracking; the memory is ordinary memory again. Idempotent. */
    @Override
    void close();
}
