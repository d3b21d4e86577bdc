package org.userload.trace;

/** One counting pass over a trace. Used by one thread. */
final class TraceCount {
    private static final int OPERATIONS = Operation.values().length;

    private final Trace trace;
    private final long[] accesses = new long[OPERATIONS];
    private final long[] bytes = new long[OPERATIONS];
    private final int[] firstTouches = new int[OPERATIONS];
    /** For each page a bit for each operation seen. */
    private final byte[] seen;

    private long pageCrossings;
    private int largestBytes;
    private long lowestGuestAddress = Long.MAX_VALUE;
    private long highestGuestAddress;

    TraceCount(Trace trace) {
        this.trace = trace;
        this.seen = new byte[trace.pageCount()];
        for (long position = 0; position < trace.accessCount(); position += Trace.CHUNK_ACCESSES) {
            int used = (int) Math.min(Trace.CHUNK_ACCESSES, trace.accessCount() - position);
            countChunk(trace.chunk((int) (position >>> Trace.CHUNK_SHIFT)), used);
        }
    }

    private void countChunk(long[] chunk, int used) {
        for (int i = 0; i < used; i++) {
            long packed = chunk[i];
            int operation = Trace.operationCodeOf(packed);
            int sizeBytes = Trace.sizeOf(packed);
            long first = Trace.guestAddressOf(packed);
            long last = first + sizeBytes - 1;
            accesses[operation]++;
            bytes[operation] += sizeBytes;
            largestBytes = Math.max(largestBytes, sizeBytes);
            lowestGuestAddress = Math.min(lowestGuestAddress, first);
            highestGuestAddress = Math.max(highestGuestAddress, last);
            int firstPage = (int) (first >>> Trace.PAGE_SHIFT);
            int lastPage = (int) (last >>> Trace.PAGE_SHIFT);
            touch(firstPage, operation);
            if (lastPage != firstPage) {
                pageCrossings++;
                touch(lastPage, operation);
            }
        }
    }

    private void touch(int page, int operation) {
        byte before = seen[page];
        if (before == 0) {
            firstTouches[operation]++;
        }
        seen[page] = (byte) (before | (1 << operation));
    }

    /** Pages on which at least one of the operations was seen. */
    private int pagesWith(Operation... operations) {
        int mask = 0;
        for (Operation operation : operations) {
            mask |= 1 << operation.code();
        }
        int pages = 0;
        for (byte bits : seen) {
            pages += (bits & mask) != 0 ? 1 : 0;
        }
        return pages;
    }

    /** Compaction keeps the order of addresses, so the extremes of guest addresses are those of addresses. */
    private long addressOf(long guestAddress) {
        return trace.pageAddress((int) (guestAddress >>> Trace.PAGE_SHIFT)) | (guestAddress & (Trace.PAGE_BYTES - 1));
    }

    TraceSummary summary() {
        int read = Operation.READ.code();
        int write = Operation.WRITE.code();
        int modify = Operation.MODIFY.code();
        int fetch = Operation.FETCH.code();
        return new TraceSummary(
                trace.accessCount(),
                accesses[read],
                accesses[write],
                accesses[modify],
                accesses[fetch],
                bytes[read] + bytes[modify] + bytes[fetch],
                bytes[write] + bytes[modify],
                trace.pageCount(),
                pagesWith(Operation.READ, Operation.MODIFY, Operation.FETCH),
                pagesWith(Operation.WRITE, Operation.MODIFY),
                pagesWith(Operation.FETCH),
                firstTouches[read],
                firstTouches[write],
                firstTouches[modify],
                firstTouches[fetch],
                pageCrossings,
                largestBytes,
                addressOf(lowestGuestAddress),
                addressOf(highestGuestAddress),
                trace.fingerprint());
    }
}
