package org.userload.fault;

import io.netty.channel.IoEventLoop;
import io.netty.util.internal.PlatformDependent;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Faults on their way from touching threads to the fault loop, many writers and one reader.
 *
 * <p>The loop is told once per burst; it takes everything that is queued by then.
 */
final class FaultQueue {
    private final Queue<PageFault> faults = PlatformDependent.newMpscQueue();
    private final AtomicBoolean told = new AtomicBoolean();
    private final IoEventLoop loop;
    private final FaultListener listener;
    private final Runnable deliver = this::deliver;

    /** One fault. */
    record PageFault(int region, long page) {}

    FaultQueue(IoEventLoop loop, FaultListener listener) {
        this.loop = loop;
        this.listener = listener;
    }

    void offer(int region, long page) {
        faults.add(new PageFault(region, page));
        if (told.compareAndSet(false, true)) {
            loop.execute(deliver);
        }
    }

    private void deliver() {
        told.set(false);
        for (PageFault fault = faults.poll(); fault != null; fault = faults.poll()) {
            listener.pageFault(fault.region, fault.page);
        }
        listener.faultsDelivered();
    }
}
