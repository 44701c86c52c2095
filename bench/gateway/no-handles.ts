/** Preloaded into a gateway that is to use nothing but documented sockets (docs/adr/0005). */
Reflect.deleteProperty(process, 'binding');
