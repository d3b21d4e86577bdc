package org.userload.source;

/** A queue of {@linkplain org.userload.protocol.PackedRun packed runs} that grows and shrinks with what is in it. One thread. */
final class RunQueue {
    private static final int LEAST_ROOM = 16;

    private long[] runs = new long[LEAST_ROOM];
    private int first;
    private int size;

    int size() {
        return size;
    }

    void add(long run) {
        if (size == runs.length) {
            resize(2 * size);
        }
        runs[(first + size) & (runs.length - 1)] = run;
        size++;
    }

    /** The oldest; there must be one. */
    long first() {
        return runs[first];
    }

    /** Replaces the oldest. */
    void setFirst(long run) {
        runs[first] = run;
    }

    void removeFirst() {
        first = (first + 1) & (runs.length - 1);
        size--;
        if (size == 0 && runs.length > LEAST_ROOM) {
            resize(LEAST_ROOM);
        }
    }

    private void resize(int room) {
        long[] resized = new long[room];
        for (int i = 0; i < size; i++) {
            resized[i] = runs[(first + i) & (runs.length - 1)];
        }
        runs = resized;
        first = 0;
    }
}
