package org.userload.fault;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps installs apart from what must not happen beside them: the reading of remove events, and the loss of the source.
 *
 * <p>While a remove event is unread the kernel refuses installs in the address space. The moment it is read they are
 * allowed again, before the reader has had time to mark the removed pages: an install of old content that is under way
 * on another loop could land after the pages were dropped, and the guest would see what it had thrown away. So the
 * reader shuts the gate, waits until no install is under way, reads and marks, and opens the gate.
 *
 * <p>A lost source makes the missing pages untouchable; an install that was under way meanwhile would make one of them
 * present. So whoever ends the installs shuts the gate once: who enters after that sees that they have ended.
 *
 * <p>Installers enter and leave around each system call. Waits are as long as one install.
 */
final class InstallGate {
    private final AtomicBoolean shut = new AtomicBoolean();
    private final AtomicInteger inside = new AtomicInteger();

    void enter() {
        while (true) {
            inside.incrementAndGet();
            if (!shut.get()) {
                return;
            }
            inside.decrementAndGet();
            while (shut.get()) {
                Thread.onSpinWait();
            }
        }
    }

    void leave() {
        inside.decrementAndGet();
    }

    void shut() {
        while (!shut.compareAndSet(false, true)) {
            Thread.onSpinWait();
        }
        while (inside.get() != 0) {
            Thread.onSpinWait();
        }
    }

    void open() {
        shut.set(false);
    }
}
