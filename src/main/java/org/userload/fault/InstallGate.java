package org.userload.fault;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps installs and the reading of remove events apart.
 *
 * <p>While a remove event is unread the kernel refuses installs in the address space. The moment it is read they are
 * allowed again, before the reader has had time to mark the removed pages: an install of old content that is under way
 * on another loop could land after the pages were dropped, and the guest would see what it had thrown away. So the
 * reader shuts the gate, waits until no install is under way, reads and marks, and opens the gate.
 *
 * <p>Installers enter and leave around each system call; the fault loop shuts and opens. Waits are as long as one
 * install.
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
        shut.set(true);
        while (inside.get() != 0) {
            Thread.onSpinWait();
        }
    }

    void open() {
        shut.set(false);
    }
}
