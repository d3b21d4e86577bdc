package org.userload.fault;

import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.userload.memory.AtomicBitmap;

/**
 * Threads parked for pages, in stripes of lock-free stacks.
 *
 * <p>A waiter pushes itself and then tests its page once more before it parks; whoever installs sets the bit and then
 * takes whole stacks and unparks everyone on them. So a wake-up is never lost, and one that was for another page of the
 * stripe only makes a waiter push itself again. Each thread has one node, taken off by whoever empties the stripe.
 */
final class PageWaiters {
    private static final int STRIPES = 256;

    private final AtomicReferenceArray<@Nullable Node> stripes = new AtomicReferenceArray<>(STRIPES);
    private final AtomicInteger waiting = new AtomicInteger();

    /** One waiting thread on a stripe's stack. */
    private static final class Node {
        final Thread thread;
        final AtomicReference<@Nullable Node> next = new AtomicReference<>();
        volatile boolean queued;

        Node(Thread thread) {
            this.thread = thread;
        }
    }

    private final ThreadLocal<Node> nodes = ThreadLocal.withInitial(() -> new Node(Thread.currentThread()));

    /** Parks the calling thread until the page has one of the two bits, or {@code stop} says so. Interrupts are kept for later. */
    void await(AtomicBitmap received, AtomicBitmap unfilled, long page, BooleanSupplier stop) {
        Node node = nodes.get();
        boolean interrupted = false;
        waiting.incrementAndGet();
        try {
            // Full fences here and in wake(): either this thread sees the bit, or the installer sees this thread.
            VarHandle.fullFence();
            while (!received.get(page) && !unfilled.get(page) && !stop.getAsBoolean()) {
                if (!node.queued) {
                    push(stripeOf(page), node);
                    continue;
                }
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            }
            // A node left on a stack would be unparked for nothing later, or be lost to its thread's next wait.
            while (node.queued) {
                wakeStripe(stripeOf(page));
            }
        } finally {
            waiting.decrementAndGet();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Wakes whoever may wait for one of these pages. Call after their bits are set. */
    void wake(long firstPage, long count) {
        VarHandle.fullFence();
        if (waiting.get() == 0) {
            return;
        }
        int stripesToWake = (int) Math.min(count, STRIPES);
        for (int i = 0; i < stripesToWake; i++) {
            wakeStripe(stripeOf(firstPage + i));
        }
    }

    void wakeAll() {
        for (int i = 0; i < STRIPES; i++) {
            wakeStripe(i);
        }
    }

    private void push(int stripe, Node node) {
        node.queued = true;
        Node head;
        do {
            head = stripes.get(stripe);
            node.next.set(head);
        } while (!stripes.compareAndSet(stripe, head, node));
    }

    private void wakeStripe(int stripe) {
        Node node = stripes.getAndSet(stripe, null);
        while (node != null) {
            Node next = node.next.get();
            node.queued = false;
            LockSupport.unpark(node.thread);
            node = next;
        }
    }

    private static int stripeOf(long page) {
        return (int) page & (STRIPES - 1);
    }
}
