package org.userload.transport;

import java.util.Arrays;

/** A first-in first-out queue of numbers that grows as needed and allocates only then. One thread. */
final class LongRing {
    private long[] numbers = new long[64];
    private int head;
    private int size;

    void add(long number) {
        if (size == numbers.length) {
            long[] larger = Arrays.copyOf(numbers, 2 * size);
            System.arraycopy(numbers, 0, larger, size, head);
            numbers = larger;
        }
        numbers[(head + size) & (numbers.length - 1)] = number;
        size++;
    }

    /** The oldest; there must be one. */
    long first() {
        return numbers[head];
    }

    void removeFirst() {
        head = (head + 1) & (numbers.length - 1);
        size--;
    }

    void clear() {
        size = 0;
    }
}
