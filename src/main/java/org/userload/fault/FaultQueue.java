package org.userload.fault;

import io.netty.channel.IoEventLoop;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.userload.memory.AtomicBitmap;

/**
 * Faults on their way from touching threads to the fault loop: a lock-free stack with many writers and one reader.
 *
 * <p>Each thread uses one node again and again; a thread whose last node still waits to be read (its page came by
 * another way) makes a new one. The loop is told when the stack stops being empty and takes all of it at once.
 */
final class FaultQueue {
    private final AtomicReference<@Nullable Node> head = new AtomicReference<>();
    private final ThreadLocal<Node> nodes = ThreadLocal.withInitial(Node::new);
    private final List<AtomicBitmap> claimed;
    private final IoEventLoop loop;
    private final FaultListener listener;
    private final Runnable deliver = this::deliver;

    /** One fault. */
    private static final class Node {
        int region;
        long page;

        @Nullable
        Node next;

        volatile boolean queued;
    }

    /** @param claimed by region, pages that need not be asked for */
    FaultQueue(List<AtomicBitmap> claimed, IoEventLoop loop, FaultListener listener) {
        this.claimed = claimed;
        this.loop = loop;
        this.listener = listener;
    }

    void offer(int region, long page) {
        Node node = nodes.get();
        if (node.queued) {
            node = new Node();
            nodes.set(node);
        }
        node.region = region;
        node.page = page;
        node.queued = true;
        Node before;
        do {
            before = head.get();
            node.next = before;
        } while (!head.compareAndSet(before, node));
        if (before == null) {
            try {
                loop.execute(deliver);
            } catch (RejectedExecutionException e) {
                // The loop has ended: the session is being closed, and that wakes whoever waits.
            }
        }
    }

    private void deliver() {
        Node node = head.getAndSet(null);
        while (node != null) {
            Node next = node.next;
            int region = node.region;
            long page = node.page;
            node.queued = false;
            // It may have come meanwhile, or be just coming: then its waiters are woken, and nobody needs it again.
            if (!claimed.get(region).get(page)) {
                listener.pageFault(region, page);
            }
            node = next;
        }
        listener.faultsDelivered();
    }
}
