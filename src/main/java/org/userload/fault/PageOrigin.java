package org.userload.fault;

import java.time.Duration;
import org.userload.protocol.SessionId;
import org.userload.transport.Endpoint;

/**
 * Where the pages of a session come from, for threads that ask for their own.
 *
 * @param source where the source listens
 * @param session its session
 * @param features what the source has agreed to
 * @param longestWait how long a page may be awaited
 * @param connections how many such threads may ask at a time
 */
public record PageOrigin(Endpoint source, SessionId session, long features, Duration longestWait, int connections) {}
