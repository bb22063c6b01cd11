"""Names for the seed."""

FIRST_NAMES = """
Adele Aisha Alejandro Amara Anders Anika Antoine Arjun Asha Aylin Beatriz Benjamin Bianca
Carlos Caroline Chidi Chiara Claire Daniel Daria David Deepa Diego Elena Elif Emil Emma
Esther Fatima Felix Fiona Florian Freya Gabriel Giulia Grace Hannah Hassan Helene Hiro
Ibrahim Ines Ingrid Isaac Ivana Jakub James Jana Javier Jonas Julia Kaito Karim Katarina
Kofi Laila Lars Laura Leonie Liam Linh Lucas Magda Malik Marco Maria Mateo Maya Mei Milan
Mina Nadia Naomi Nia Nikolai Nora Oliver Olga Omar Paula Pedro Petra Priya Quentin Rafael
Rania Renata Robert Rosa Samir Sara Sebastian Sofia Stefan Svetlana Tariq Teresa Theo Uma
Valentina Victor Wei Yara Yusuf Zoe Zoltan
""".split()  # noqa: SIM905 -- words are for reading
LAST_NAMES = """
Abbott Adeyemi Almeida Andersson Aoki Baker Banerjee Barbieri Becker Bergström Bianchi
Bouchard Brandt Campbell Carvalho Castillo Chen Clarke Costa Dahl Diallo Dubois Duarte
Eriksson Esposito Evans Fernández Fischer Fontaine Fraser Fujita García Gonçalves Gruber
Gupta Haddad Hansen Hartmann Hayashi Hoffmann Horvath Hughes Iyer Jansen Jensen Johansson
Kamara Kapoor Keller Khan Kim Kowalski Krüger Kumar Lambert Larsen Lehmann Lindqvist Lopez
Mahmoud Marchetti Marino Martin Mbeki Mendes Meyer Mitchell Moreau Morris Nakamura Navarro
Ndiaye Nguyen Nielsen Novak Okafor Oliveira Olsen Osman Park Patel Pereira Petrov Popescu
Quinn Ramos Reyes Ricci Rossi Roux Sanders Santos Sato Schmidt Schneider Sharma Silva
Singh Sokolov Suzuki Tanaka Taylor Thomas Torres Turner Ueda Vargas Vasquez Virtanen Vogel
Walker Wang Weber Williams Wójcik Yamada Yilmaz Young Zhang Zimmermann
""".split()  # noqa: SIM905 -- words are for reading
JOB_TITLES = (
    "Account Manager",
    "Analyst",
    "Buyer",
    "Claims Handler",
    "Contract Manager",
    "Controller",
    "Customs Specialist",
    "Depot Manager",
    "Dispatcher",
    "Driver Coordinator",
    "Engineer",
    "Fleet Planner",
    "HR Partner",
    "Legal Counsel",
    "Paralegal",
    "Payroll Specialist",
    "Procurement Lead",
    "Recruiter",
    "Safety Officer",
    "Sales Representative",
)
COMPANIES = {
    "northwind-freight.example": "Northwind Freight",
    "northwind-rail.example": "Northwind Rail",
    "partner-logistics.example": "Partner Logistics",
}
GROUP_NAMES = (
    "Board Office",
    "Mergers and Acquisitions",
    "Treasury",
    "Internal Audit",
    "Data Protection",
    "Works Council",
    "Real Estate",
    "Insurance Desk",
    "Tax",
    "Payroll",
    "Recruiting",
    "Legal Operations",
    "Vendor Contracts",
    "Customs Desk",
    "Claims",
    "Procurement",
    "Finance",
    "HR Business Partners",
    "Sales Iberia",
    "Sales Nordics",
    "Sales Central Europe",
    "Depot Managers",
    "Fleet Operations",
    "Customer Contracts",
    "All Senders",
)
"""From the smallest group to the largest."""
