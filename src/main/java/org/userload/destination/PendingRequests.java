package org.userload.destination;

import io.netty.util.collection.LongObjectHashMap;
import io.netty.util.collection.LongObjectMap;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Pages that were asked for and have not arrived, so that faults on one page make one request. Fault loop only; uses its
 * entries again, so that asking allocates nothing.
 */
final class PendingRequests {
    private static final int REGION_SHIFT = 48;

    private final LongObjectHashMap<Request> byPage = new LongObjectHashMap<>();
    private final ArrayDeque<Request> spare = new ArrayDeque<>();

    private static final class Request {
        long sinceNanos;
    }

    /** Notes a request; false when the page is pending already. */
    boolean add(int region, long page, long nowNanos) {
        long key = key(region, page);
        if (byPage.containsKey(key)) {
            return false;
        }
        Request request = spare.isEmpty() ? new Request() : spare.pop();
        request.sinceNanos = nowNanos;
        byPage.put(key, request);
        return true;
    }

    boolean contains(int region, long page) {
        return byPage.containsKey(key(region, page));
    }

    /** When a page was asked for; {@code otherwise} when it was not. */
    long sinceNanos(int region, long page, long otherwise) {
        Request request = byPage.get(key(region, page));
        return request == null ? otherwise : request.sinceNanos;
    }

    /** The page has arrived; false when nobody had asked for it. */
    boolean remove(int region, long page) {
        Request request = byPage.remove(key(region, page));
        if (request == null) {
            return false;
        }
        spare.push(request);
        return true;
    }

    /** When the oldest pending page was asked for; {@code nowNanos} when none is. */
    long oldestNanos(long nowNanos) {
        long oldest = nowNanos;
        for (Request request : byPage.values()) {
            if (request.sinceNanos - oldest < 0) {
                oldest = request.sinceNanos;
            }
        }
        return oldest;
    }

    /** Some pending page, for messages, or null. */
    @Nullable
    String example() {
        for (LongObjectMap.PrimitiveEntry<Request> entry : byPage.entries()) {
            long key = entry.key();
            return "page " + (key & (1L << REGION_SHIFT) - 1) + " of region " + (key >>> REGION_SHIFT);
        }
        return null;
    }

    private static long key(int region, long page) {
        return (long) region << REGION_SHIFT | page;
    }
}
