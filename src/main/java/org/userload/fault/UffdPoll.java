package org.userload.fault;

import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.unix.FileDescriptor;

/**
 * Puts the userfaultfd descriptor into the fault loop's epoll set, so that one thread goes from event to request to
 * reply to install without a hand-over. Level-triggered; called on the fault loop only. Does not own the descriptor.
 */
final class UffdPoll implements EpollIoHandle {
    private final FileDescriptor descriptor;
    private final Runnable onReadable;

    UffdPoll(int fd, Runnable onReadable) {
        this.descriptor = new FileDescriptor(fd);
        this.onReadable = onReadable;
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    @Override
    public void handle(IoRegistration registration, IoEvent event) {
        onReadable.run();
    }

    @Override
    public void close() {
        // The interceptor closes the descriptor.
    }
}
