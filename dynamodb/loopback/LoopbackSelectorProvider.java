import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.channels.DatagramChannel;
import java.nio.channels.Pipe;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.AbstractSelector;
import java.nio.channels.spi.SelectorProvider;
import java.util.Set;

/**
 * Keeps DynamoDB Local on this machine: whatever address a server socket asks for, it is bound to
 * loopback. DynamoDB Local itself listens on all interfaces, accepts any key and has no switch.
 *
 * <p>Needs {@code --add-exports java.base/sun.nio.ch=ALL-UNNAMED}; a Java that refuses does not
 * start at all, so the engine is never open by accident.
 */
public final class LoopbackSelectorProvider extends SelectorProvider {
    private final SelectorProvider platform;

    public LoopbackSelectorProvider() throws ReflectiveOperationException {
        platform = (SelectorProvider) Class.forName("sun.nio.ch.DefaultSelectorProvider")
                .getMethod("get").invoke(null);
    }

    @Override
    public ServerSocketChannel openServerSocketChannel() throws IOException {
        return new LoopbackChannel(this, platform.openServerSocketChannel());
    }

    @Override
    public AbstractSelector openSelector() throws IOException {
        return platform.openSelector();
    }

    @Override
    public SocketChannel openSocketChannel() throws IOException {
        return platform.openSocketChannel();
    }

    @Override
    public DatagramChannel openDatagramChannel() throws IOException {
        return platform.openDatagramChannel();
    }

    @Override
    public DatagramChannel openDatagramChannel(ProtocolFamily family) throws IOException {
        return platform.openDatagramChannel(family);
    }

    @Override
    public Pipe openPipe() throws IOException {
        return platform.openPipe();
    }

    /** A server channel in blocking mode, as Jetty's acceptors use it, that binds only loopback. */
    private static final class LoopbackChannel extends ServerSocketChannel {
        private final ServerSocketChannel channel;

        LoopbackChannel(SelectorProvider provider, ServerSocketChannel channel) {
            super(provider);
            this.channel = channel;
        }

        @Override
        public ServerSocketChannel bind(SocketAddress local, int backlog) throws IOException {
            int port = local == null ? 0 : ((InetSocketAddress) local).getPort();
            channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), backlog);
            return this;
        }

        @Override
        public <T> ServerSocketChannel setOption(SocketOption<T> name, T value)
                throws IOException {
            channel.setOption(name, value);
            return this;
        }

        @Override
        public <T> T getOption(SocketOption<T> name) throws IOException {
            return channel.getOption(name);
        }

        @Override
        public Set<SocketOption<?>> supportedOptions() {
            return channel.supportedOptions();
        }

        /** Only of a bound channel: binding through the socket would go round our bind. */
        @Override
        public ServerSocket socket() {
            if (!channel.socket().isBound()) {
                throw new UnsupportedOperationException("bind the channel, not its socket");
            }
            return channel.socket();
        }

        @Override
        public SocketChannel accept() throws IOException {
            return channel.accept();
        }

        @Override
        public SocketAddress getLocalAddress() throws IOException {
            return channel.getLocalAddress();
        }

        @Override
        protected void implCloseSelectableChannel() throws IOException {
            channel.close();
        }

        @Override
        protected void implConfigureBlocking(boolean block) throws IOException {
            channel.configureBlocking(block);
        }
    }
}
