package org.userload.channel;

/** What a host offers under a name. One guest has a port of a name open at most once. */
public interface PortService {
    /** 1 to 64 letters, digits, dots, hyphens and underscores. */
    String name();

    /** The lowest version of its messages that it knows, 1 to 65535. */
    int lowestVersion();

    /** The highest version of its messages that it knows. */
    int highestVersion();

    /**
     * A guest has opened the port. On the thread of the channel, before any message; may send at once.
     *
     * @return what gets the messages of this port
     */
    PortHandler opened(Port port);
}
