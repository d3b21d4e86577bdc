package org.userload.source;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.userload.memory.RegionTable;

/**
 * Gives the pages of one image or guest by region and page number. The content must not change while it is served.
 *
 * <p><b>Threads.</b> Every method may be called by any number of threads at the same time; the request loop and the
 * stream loop do so. No method waits for a thread that can fault on the memory being served.
 *
 * <p><b>Ownership.</b> Whoever opens a source closes it. Buffers passed in stay the caller's and are not kept.
 */
public interface PageSource extends AutoCloseable {

    /** The regions in order: guest address and page count of each. Never changes; valid after {@link #close}. */
    RegionTable regions();

    /**
     * How the run that starts at this page looks: whether its pages are data or zero, and how many of that kind follow
     * each other. The answer may be conservative: shorter than the run is, or data where the bytes happen to be zero;
     * zero is always true. Usually a caller then reads exactly the run described, and sources are fastest if it does.
     *
     * <p>Does not allocate for runs of up to {@value PageRun#SHARED_RUN_PAGES} pages.
     *
     * @param region index in {@link #regions()}
     * @param firstPage page number within the region, from 0
     * @param maxPages the longest run wanted, at least 1; may reach beyond the end of the region
     * @return a run of 1 to {@code maxPages} pages, within the region
     * @throws IndexOutOfBoundsException if there is no such region or page
     * @throws IllegalArgumentException if {@code maxPages} is less than 1
     * @throws PageSourceException if the source cannot be read or is closed; names source, region and page
     */
    PageRun describe(int region, long firstPage, int maxPages);

    /**
     * Copies {@code count} whole pages into {@code dst} at its position, and moves the position behind them. When the
     * call throws, the position is unchanged and the bytes behind it are undefined.
     *
     * @param region index in {@link #regions()}
     * @param firstPage page number within the region, from 0
     * @param count pages to copy, at least 1; all of them within the region
     * @param dst where to, direct or heap, with room for {@code count} pages
     * @throws IndexOutOfBoundsException if there is no such region, or not all of the pages are in it
     * @throws IllegalArgumentException if {@code count} is less than 1 or {@code dst} has no room
     * @throws PageSourceException if the pages cannot be read or are corrupt, or the source is closed; names source,
     *     region and page
     */
    void read(int region, long firstPage, int count, ByteBuffer dst);

    /**
     * These pages will not be needed any more: gives back what they take. They cannot be read any more; a read that is under way
     * either gives them as they were or throws. They must not be pinned.
     *
     * @return whether that is so; a source that keeps its pages gives false
     */
    default boolean giveUp(int region, long firstPage, int count) {
        return false;
    }

    /**
     * The bytes of whole pages where the source has them, so that they can be sent without a copy. They stay there until {@link
     * #unpin}, also when this source and what is behind it are closed; they may change as {@link #read} says.
     *
     * @return null when they have to be read, as always here
     * @throws PageSourceException as {@link #read}
     */
    default @Nullable ByteBuffer pin(int region, long firstPage, int count) {
        return null;
    }

    /** Undoes one {@link #pin} of this region that gave bytes. Any thread. */
    default void unpin(int region) {}

    /** What this source is, for error messages: {@code "image /path/file.raw"}, {@code "live memory of ..."}. */
    String description();

    /** Releases what the source holds. Idempotent. Reads that are under way either finish or throw. */
    @Override
    void close();
}
